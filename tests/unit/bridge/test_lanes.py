"""How records are shared out over lanes, on a fake inbox."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest

from bridge.errors import FailedPrecondition
from bridge.inbox import Inbox
from bridge.kafka.record import Partition, Record
from bridge.lane import Lane
from bridge.lanes import Lanes, Limits
from tests.integration.bridge.parts import until
from tests.unit.bridge.records import FakeRecord

HERE = Partition("t", 0)


class FakeInbox:
    """Stands where the database would be; `failing` keys are refused."""

    def __init__(self) -> None:
        self.handled: list[tuple[bytes | None, int]] = []
        self.failing: set[bytes] = set()
        self.hang = asyncio.Event()
        self.hang.set()

    async def handle(self, records: Sequence[Record], attempt: int) -> None:
        await self.hang.wait()
        if any(record.key in self.failing for record in records):
            raise FailedPrecondition("refused")
        self.handled += [(record.key, record.offset) for record in records]


@asynccontextmanager
async def lanes_on(inbox: FakeInbox, limits: Limits) -> AsyncIterator[Lanes]:
    lanes = Lanes(frozenset({HERE}), lambda: Lane("g", cast(Inbox, inbox), limits.batch), limits)
    try:
        yield lanes
    finally:
        await lanes.drain()


def records(count: int) -> dict[Partition, list[Record]]:
    return {
        HERE: [FakeRecord("t", 0, offset, key=f"k{offset % 5}".encode()) for offset in range(count)]
    }


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_each_key_stays_in_order() -> None:
    inbox = FakeInbox()
    async with lanes_on(inbox, Limits(lanes=3, batch=4)) as lanes:
        lanes.take(records(50), lambda _: True)
        await settle()
        assert lanes.committable() == {HERE: 50}
    for key in {key for key, _ in inbox.handled}:
        offsets = [offset for one, offset in inbox.handled if one == key]
        assert offsets == sorted(offsets)


async def test_a_blocked_lane_holds_the_offset_and_others_go_on() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1"}
    async with lanes_on(inbox, Limits(lanes=16)) as lanes:
        lanes.take(records(50), lambda _: True)
        await settle()
        assert lanes.committable() == {HERE: 1}
        assert {key for key, _ in inbox.handled} == {b"k0", b"k2", b"k3", b"k4"}
        assert [one.offset for one in lanes.blocked()] == [1]


async def test_unwanted_records_are_done_at_once() -> None:
    async with lanes_on(FakeInbox(), Limits()) as lanes:
        lanes.take(records(3), lambda _: False)
        assert lanes.committable() == {HERE: 3}


async def test_records_of_an_assignment_that_is_gone_are_left() -> None:
    inbox = FakeInbox()
    async with lanes_on(inbox, Limits()) as lanes:
        lanes.take({Partition("t", 1): [FakeRecord("t", 1, 0)]}, lambda _: True)
        await settle()
        assert lanes.committable() == {}
    assert inbox.handled == []


async def test_a_full_partition_pauses_and_resumes_at_half() -> None:
    inbox = FakeInbox()
    inbox.hang.clear()
    async with lanes_on(inbox, Limits(waiting=10)) as lanes:
        lanes.take(records(10), lambda _: True)
        assert lanes.backpressure() == ({HERE}, set())
        assert lanes.backpressure() == (set(), set())
        inbox.hang.set()
        await settle()
        assert lanes.backpressure() == (set(), {HERE})


async def test_what_waits_behind_a_blocked_event_does_not_stop_the_other_lanes() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1"}
    async with lanes_on(inbox, Limits(lanes=16, waiting=10, window=1000)) as lanes:
        lanes.take(records(200), lambda _: True)
        await settle()
        assert len(inbox.handled) == 160
        assert lanes.backpressure() == (set(), set())


async def test_where_every_lane_is_blocked_nothing_more_is_read() -> None:
    inbox = FakeInbox()
    inbox.failing = {f"k{number}".encode() for number in range(5)}
    async with lanes_on(inbox, Limits(lanes=1, waiting=10, window=1000)) as lanes:
        lanes.take(records(20), lambda _: True)
        await settle()
        assert lanes.blocked()
        assert lanes.backpressure() == ({HERE}, set())


async def test_a_window_above_a_blocked_event_is_bounded_loudly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[object, object]] = []

    def error(name: str, *_: object, **fields: object) -> None:
        if name == "consumer.partition_paused":
            told.append((fields["offset"], fields["window"]))

    monkeypatch.setattr("bridge.logs.error", error)
    inbox = FakeInbox()
    inbox.failing = {b"k1"}
    async with lanes_on(inbox, Limits(lanes=16, window=100)) as lanes:
        lanes.take(records(200), lambda _: True)
        await settle()
        assert lanes.backpressure() == ({HERE}, set())
        assert lanes.backpressure() == (set(), set())
        assert told == [(1, 199)]
        inbox.failing.clear()
        await until(lambda: lanes.committable() == {HERE: 200})
        assert lanes.backpressure() == (set(), {HERE})


async def test_a_drain_ends_the_batch_at_hand_and_leaves_the_rest() -> None:
    inbox = FakeInbox()
    inbox.hang.clear()
    async with lanes_on(inbox, Limits(lanes=1, batch=2)) as lanes:
        lanes.take(records(10), lambda _: True)
        await settle()
        draining = asyncio.create_task(lanes.drain())
        await settle()
        inbox.hang.set()
        await draining
        assert lanes.committable() == {HERE: 2}


async def test_a_batch_that_outlasts_the_drain_is_cancelled() -> None:
    inbox = FakeInbox()
    inbox.hang.clear()
    async with lanes_on(inbox, Limits(drain_seconds=0.05)) as lanes:
        lanes.take(records(10), lambda _: True)
        await settle()
        await lanes.drain()
        inbox.hang.set()
        await settle()
        assert lanes.committable() == {}
    assert inbox.handled == []
