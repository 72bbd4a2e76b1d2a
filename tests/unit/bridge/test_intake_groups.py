"""Who shares a group: nobody can keep the others out of it, whatever he offers."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.errors import InvalidArgument
from bridge.store.intake import Intake
from bridge.store.offer import Offer


class Counting(Intake):
    """Notes each group that it is to commit; one with the event `bad` and others fails."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None))
        self.groups: list[list[str]] = []

    async def _commit(self, group: Sequence[Any]) -> bool:
        ids = [event_id for batch in group for event_id in batch.by_id]
        self.groups.append(ids)
        await asyncio.sleep(0)
        if "bad" in ids and len(ids) > 1:
            return False
        for batch in group:
            batch.answer([{} for _ in batch.by_id])
        return True


def making(event_id: str) -> Callable[[], Offer]:
    return lambda: cast(Offer, SimpleNamespace(event_id=event_id))


async def committed(*event_ids: str) -> list[list[str]]:
    """The groups, where all come at once."""
    intake = Counting()
    await asyncio.gather(*(intake.put_one(making(one)) for one in event_ids))
    return intake.groups


GOOD = [f"e{number}" for number in range(200)]


async def test_who_repeats_one_event_makes_no_group_of_others_smaller() -> None:
    repeated = [one for good in GOOD[:100] for one in (good, "same")]
    first, *rest = await committed(*repeated)
    assert set(first) == {*GOOD[:100], "same"}
    assert rest == [["same"]] * 99


async def test_a_group_that_fails_is_halved() -> None:
    groups = await committed(*GOOD[:100], "bad", *GOOD[100:])
    assert len(groups) < 20
    assert sorted(
        one for group in groups if len(group) == 1 or "bad" not in group for one in group
    ) == (sorted([*GOOD, "bad"]))


async def test_many_that_are_wrong_are_each_told_so_and_hold_nobody_up_for_long() -> None:
    intake, turns = Counting(), 0

    def wrong() -> Offer:
        time.sleep(0.001)  # as a check does
        raise InvalidArgument("wrong")

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    offered = asyncio.gather(*(intake.put_one(wrong) for _ in range(300)), return_exceptions=True)
    assert all(isinstance(one, InvalidArgument) for one in await offered)
    beside.cancel()
    assert turns >= 10
    assert intake.groups == []


async def test_what_makes_an_event_may_fail_in_any_way() -> None:
    intake = Counting()

    def broken() -> Offer:
        raise KeyError("of ours")

    first = asyncio.create_task(intake.put_one(broken))
    with pytest.raises(KeyError):
        await first
    assert await intake.put_one(making("next")) == {}


async def test_those_who_are_on_their_way_are_waited_for() -> None:
    intake = Counting()

    async def calling(number: int) -> None:
        for step in range(10):
            await intake.put_one(making(f"{number}-{step}"))
            for _ in range(number):  # each takes another time to come back
                await asyncio.sleep(0)

    await asyncio.gather(*(calling(number) for number in range(20)))
    assert len(intake.groups) <= 12


async def test_who_is_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.store.bursts.STEP", 60)
    intake = Counting()
    async with asyncio.timeout(30):
        for number in range(3):
            await intake.put_one(making(str(number)))
    assert len(intake.groups) == 3
