import asyncio
from collections import deque
from collections.abc import Sequence

import pytest

from bridge.errors import Unavailable
from bridge.store.bursts import Bursts, Job


class Place:
    """Handles numbers by giving them back; notes the groups, and fails where it is told to."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.error: Exception | None = None
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()
        self.bursts = Bursts(self._form, self._handle, lambda: Unavailable("over"))

    async def ask(self) -> int:
        job = Job[int]()
        self.bursts.put(job)
        return await job.outcome

    def _form(self, waiting: deque[Job[int]]) -> Sequence[Job[int]]:
        group = [job for job in waiting if job.waits]
        waiting.clear()
        return group

    async def _handle(self, group: Sequence[Job[int]]) -> None:
        self.groups.append(len(group))
        self.begun.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        for job in group:
            job.answer(len(group))


async def test_an_error_of_a_group_is_told_to_each_of_it_and_to_nobody_later() -> None:
    place = Place()
    place.error = ConnectionResetError("away")
    said = await asyncio.gather(*(place.ask() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in said] == [ConnectionResetError] * 3
    assert len({id(one) for one in said}) == 3, "each adds its own frames"
    place.error = None
    assert await place.ask() == 1


async def test_who_goes_away_leaves_the_others_their_answer() -> None:
    place = Place()
    place.go.clear()
    asked = [asyncio.create_task(place.ask()) for _ in range(3)]
    await place.begun.wait()
    asked[0].cancel()
    place.go.set()
    assert await asyncio.gather(*asked[1:]) == [3, 3]


async def test_who_goes_away_before_is_not_handled() -> None:
    place = Place()
    place.go.clear()
    asked = [asyncio.create_task(place.ask())]
    await place.begun.wait()
    asked += [asyncio.create_task(place.ask()) for _ in range(3)]
    await asyncio.sleep(0)
    asked[1].cancel()
    place.go.set()
    assert await asyncio.gather(asked[0], *asked[2:]) == [1, 2, 2]


async def test_the_end_of_the_process_is_told_to_all() -> None:
    place = Place()
    place.go.clear()
    asked = [asyncio.create_task(place.ask()) for _ in range(2)]
    await place.begun.wait()
    asked.append(asyncio.create_task(place.ask()))
    await asyncio.sleep(0)
    [work] = asyncio.all_tasks() - {*asked, asyncio.current_task()}
    work.cancel()
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in said] == [Unavailable] * 3


async def test_who_has_no_time_to_wait_is_handled_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.store.bursts.STEP", 60)
    place = Place()
    place.bursts = Bursts(place._form, place._handle, lambda: Unavailable("over"), steps=0)
    async with asyncio.timeout(30):
        assert await asyncio.gather(*(place.ask() for _ in range(3))) == [3, 3, 3]
