"""How records are shared out over lanes, on a fake inbox."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import asyncpg
import pytest

from bridge.consumer.inbox import Inbox
from bridge.consumer.lane import Lane
from bridge.consumer.lanes import Lanes, Limits
from bridge.errors import FailedPrecondition, Internal, Unavailable
from bridge.kafka.record import Partition, Record
from tests.integration.bridge.parts import until
from tests.unit.bridge.records import FakeRecord

HERE = Partition("t", 0)


class FakeInbox:
    """Stands where the database would be; `failing` keys are refused, and parked."""

    def __init__(self) -> None:
        self.handled: list[tuple[bytes | None, int]] = []
        self.parked: list[tuple[bytes | None, int]] = []
        self.failing: dict[bytes | None, Exception] = {}
        self.away = False
        self.sizes: list[int] = []
        self.hang = asyncio.Event()
        self.hang.set()

    async def handle(self, records: Sequence[Record], attempt: int) -> None:
        self.sizes.append(len(records))
        await self.hang.wait()
        if self.away:
            raise asyncpg.ClientCannotConnectError("away")
        parked = {key for key, _ in self.parked if key}
        for record in records:
            if record.key in self.failing and record.key not in parked:
                raise self.failing[record.key]
        for record in records:
            went = self.parked if record.key in parked else self.handled
            went.append((record.key, record.offset))

    async def park(self, record: Record, error: Exception, attempts: int) -> None:
        if self.away:
            raise asyncpg.ClientCannotConnectError("away")
        self.parked.append((record.key, record.offset))


@asynccontextmanager
async def lanes_on(inbox: FakeInbox, limits: Limits) -> AsyncIterator[Lanes]:
    def make() -> Lane:
        return Lane("g", cast(Inbox, inbox), limits.batch, limits.patience)

    lanes = Lanes(frozenset({HERE}), make, limits)
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


NO, NOT_YET = FailedPrecondition("no"), Unavailable("not yet")


async def test_what_no_time_heals_parks_its_key_at_once_and_others_go_on() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1": NO}
    async with lanes_on(inbox, Limits(lanes=2)) as lanes:
        lanes.take(records(50), lambda _: True)
        await settle()
        assert lanes.committable() == {HERE: 50}
    assert inbox.parked == [(b"k1", offset) for offset in range(1, 50, 5)]
    assert {key for key, _ in inbox.handled} == {b"k0", b"k2", b"k3", b"k4"}


async def test_a_failing_record_is_found_in_few_steps() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"bad": NO}
    good = [FakeRecord("t", 0, offset, key=f"k{offset}".encode()) for offset in range(200)]
    good[77] = FakeRecord("t", 0, 77, key=b"bad")
    async with lanes_on(inbox, Limits(lanes=1, batch=200)) as lanes:
        lanes.take({HERE: list(good)}, lambda _: True)
        await settle()
        assert lanes.committable() == {HERE: 200}
    assert inbox.parked == [(b"bad", 77)]
    assert [offset for _, offset in inbox.handled] == [at for at in range(200) if at != 77]
    assert len(inbox.sizes) < 20


async def test_batches_grow_while_they_are_quick_and_shrink_while_they_are_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = FakeInbox()
    async with lanes_on(inbox, Limits(lanes=1, batch=300)) as lanes:
        lanes.take(records(950), lambda _: True)
        await settle()
        assert inbox.sizes == [50, 100, 200, 300, 300]
        monkeypatch.setattr("bridge.consumer.lane.LONG", 0.0)
        inbox.sizes.clear()
        lanes.take({HERE: [FakeRecord("t", 0, at) for at in range(950, 1550)]}, lambda _: True)
        await settle()
        assert inbox.sizes[:5] == [300, 150, 75, 37, 18]
        assert inbox.sizes[-1] == 1


async def test_what_time_may_heal_holds_its_key_alone_and_in_order() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1": NOT_YET}
    async with lanes_on(inbox, Limits(lanes=1)) as lanes:
        lanes.take(records(25), lambda _: True)
        await settle()
        assert lanes.committable() == {HERE: 1}
        assert {key for key, _ in inbox.handled} == {b"k0", b"k2", b"k3", b"k4"}
        [held] = lanes.blocked()
        assert (held.offset, held.reason) == (1, "UNAVAILABLE")
        inbox.failing.clear()
        lanes.take({HERE: [FakeRecord("t", 0, 25, key=b"k1")]}, lambda _: True)
        await until(lambda: lanes.committable() == {HERE: 26}, 5)
        assert not lanes.blocked()
    assert [at for key, at in inbox.handled if key == b"k1"] == [1, 6, 11, 16, 21, 25]
    assert inbox.parked == []


async def test_patience_ends_and_the_key_is_parked() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1": NOT_YET}
    async with lanes_on(inbox, Limits(lanes=1, patience=0.1)) as lanes:
        lanes.take(records(10), lambda _: True)
        await until(lambda: lanes.committable() == {HERE: 10}, 5)
    assert inbox.parked == [(b"k1", 1), (b"k1", 6)]


async def test_more_than_a_batch_behind_a_failing_event_parks_it_before_its_time() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1": NOT_YET}
    async with lanes_on(inbox, Limits(lanes=1, batch=3, patience=600)) as lanes:
        lanes.take(records(50), lambda _: True)
        await until(lambda: lanes.committable() == {HERE: 50}, 5)
    assert [at for _, at in inbox.parked] == list(range(1, 50, 5))


async def test_records_without_a_key_hold_and_park_nothing_but_themselves() -> None:
    inbox = FakeInbox()
    inbox.failing = {None: NOT_YET}
    async with lanes_on(inbox, Limits(lanes=1, patience=0.1)) as lanes:
        keyless: list[Record] = [FakeRecord("t", 0, at, key=None) for at in (0, 1)]
        lanes.take({HERE: [*keyless, FakeRecord("t", 0, 2, key=b"k")]}, lambda _: True)
        await settle()
        assert inbox.handled == [(b"k", 2)]
        assert [one.offset for one in lanes.blocked()] == [0, 1]
        await until(lambda: lanes.committable() == {HERE: 3}, 5)
    assert sorted(inbox.parked) == [(None, 0), (None, 1)]


async def test_while_the_database_is_away_nothing_is_parked_and_no_attempt_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.middleware.retry.AWAY_PAUSE", 0.01)
    inbox = FakeInbox()
    inbox.away = True
    async with lanes_on(inbox, Limits(lanes=1, patience=0.01)) as lanes:
        lanes.take(records(10), lambda _: True)
        await asyncio.sleep(0.1)
        [stuck] = lanes.blocked()
        assert (stuck.reason, stuck.attempts) == ("DATABASE_AWAY", 0)
        inbox.away = False
        await until(lambda: lanes.committable() == {HERE: 10}, 5)
        assert not lanes.blocked()
    assert inbox.parked == []


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


async def test_a_window_above_an_unfinished_event_is_bounded_loudly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[object, object]] = []

    def error(name: str, *_: object, **fields: object) -> None:
        if name == "consumer.partition_paused":
            told.append((fields["offset"], fields["window"]))

    monkeypatch.setattr("bridge.logs.error", error)
    inbox = FakeInbox()
    inbox.failing = {b"k1": NOT_YET}
    async with lanes_on(inbox, Limits(lanes=16, window=100)) as lanes:
        lanes.take(records(200), lambda _: True)
        await settle()
        assert lanes.backpressure() == ({HERE}, set())
        assert lanes.backpressure() == (set(), set())
        assert told == [(1, 199)]
        inbox.failing.clear()
        await until(lambda: lanes.committable() == {HERE: 200})
        assert lanes.backpressure() == (set(), {HERE})


async def test_a_drain_leaves_what_is_held_to_the_next_owner() -> None:
    inbox = FakeInbox()
    inbox.failing = {b"k1": NOT_YET}
    async with lanes_on(inbox, Limits(lanes=1)) as lanes:
        lanes.take(records(10), lambda _: True)
        await settle()
        await lanes.drain()
        assert lanes.committable() == {HERE: 1}
    assert inbox.parked == []


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


async def test_a_lane_that_is_cancelled_outside_of_a_drain_is_a_failure() -> None:
    inbox = FakeInbox()
    async with lanes_on(inbox, Limits()) as lanes:
        inbox.failing = {b"k1": cast(Exception, asyncio.CancelledError())}
        lanes.take(records(10), lambda _: True)
        await settle()
        assert isinstance(lanes.failure(), Internal)


async def test_a_batch_that_outlasts_the_drain_is_cancelled() -> None:
    inbox = FakeInbox()
    inbox.hang.clear()
    async with lanes_on(inbox, Limits(drain_seconds=0.05)) as lanes:
        lanes.take(records(10), lambda _: True)
        await settle()
        await lanes.drain()
        assert lanes.failure() is None
        inbox.hang.set()
        await settle()
        assert lanes.committable() == {}
    assert inbox.handled == []
