"""The consumer's sessions on a fake group, where the order of events can be chosen."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import asyncpg
import pytest
from aiokafka.errors import UnsupportedCodecError

from bridge.consumer.consumer import Consumer
from bridge.consumer.interruptions import MANY
from bridge.consumer.lanes import Lanes
from bridge.handling import Handling
from bridge.kafka.consumer import Assigned, Revoked
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import running, until
from tests.unit.bridge.records import FakeRecord
from tests.unit.bridge.test_codec import CATALOG

HERE = Partition("causeway.orders.v1", 0)


class FakeGroup:
    """Stands where Kafka's group would be; a test calls what the group would call."""

    sessions: list["FakeGroup"]
    assigns = True
    late = False

    def __init__(
        self, _settings: object, _group: str, _topics: object, assigned: Assigned, revoked: Revoked
    ) -> None:
        self.assigned, self.revoked = assigned, revoked
        self.found: dict[Partition, Sequence[Record]] = {}
        self.error: Exception | None = None
        FakeGroup.sessions.append(self)

    async def start(self) -> None:
        if self.assigns:
            self.assigned(frozenset({HERE}))

    async def stop(self) -> None:
        if self.late:
            self.assigned(frozenset({HERE}))

    async def poll(self, _seconds: float, _most: int) -> Mapping[Partition, Sequence[Record]]:
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        found, self.found = self.found, {}
        return found

    async def commit(self, _offsets: object) -> None: ...
    def pause(self, _partitions: object) -> None: ...
    def resume(self, _partitions: object) -> None: ...


@pytest.fixture(autouse=True)
def _group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeGroup, "sessions", [], raising=False)
    monkeypatch.setattr("bridge.consumer.consumer.GroupConsumer", FakeGroup)


async def nothing(_: Handling) -> None: ...


def consumer() -> Consumer:
    return Consumer(
        Subscription("g", {orders.OrderConfirmed: nothing}),
        catalog=CATALOG,
        pool=cast(asyncpg.Pool, None),
        kafka=KafkaSettings("x"),
    )


async def test_records_without_an_assignment_end_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeGroup, "assigns", False)
    async with running(consumer().run):
        await asyncio.sleep(0.1)
        [first] = FakeGroup.sessions  # a poll that finds nothing is a normal start
        first.found = {HERE: [FakeRecord()]}
        await until(lambda: len(FakeGroup.sessions) == 2, 5)


async def test_records_that_come_while_lanes_drain_do_not_end_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drained = asyncio.Event()

    async def drain(_: Lanes) -> None:
        await drained.wait()

    one = consumer()
    async with running(one.run):
        await until(lambda: one.assigned)
        [session] = FakeGroup.sessions
        with monkeypatch.context() as patch:
            patch.setattr(Lanes, "drain", drain)
            revoking = asyncio.ensure_future(session.revoked())
            await asyncio.sleep(0)
            session.found = {HERE: [FakeRecord()]}
            await until(lambda: not session.found, 5)
            await asyncio.sleep(0.05)
            again = asyncio.ensure_future(session.revoked())
            await asyncio.sleep(0.05)
            assert not again.done(), "both wait for the drain"
            drained.set()
            await asyncio.gather(revoking, again)
        assert FakeGroup.sessions == [session]


async def test_lanes_made_while_the_session_ends_are_drained_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeGroup, "late", True)
    one = consumer()
    before = asyncio.all_tasks()
    async with running(one.run):
        await until(lambda: one.assigned)
    assert not one.assigned
    assert asyncio.all_tasks() == before


async def test_a_session_that_was_assigned_forgets_earlier_failures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[int] = []

    def backoff(attempt: int, _first: float, _most: float) -> float:
        tries.append(attempt)
        return 0.0

    monkeypatch.setattr("bridge.consumer.consumer.backoff", backoff)
    one = consumer()
    async with running(one.run):
        for count in range(1, 4):
            await until(lambda count=count: len(FakeGroup.sessions) == count)
            FakeGroup.sessions[-1].error = ConnectionError()
        await until(lambda: len(FakeGroup.sessions) == 4)
    assert tries == [1, 1, 1]


async def test_a_consumer_that_can_never_read_is_failing_although_it_is_assigned_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.consumer.consumer.backoff", lambda *_: 0.0)
    one = consumer()
    async with running(one.run):
        for count in range(1, MANY + 1):
            await until(lambda count=count: len(FakeGroup.sessions) == count)
            assert not one.failing
            FakeGroup.sessions[-1].error = UnsupportedCodecError()
        await until(lambda: len(FakeGroup.sessions) == MANY + 1)
        await until(lambda: one.assigned)
        assert one.failing
    said = [line.message for line in caplog.records if line.message != "consumer.assigned"]
    assert said == ["consumer.interrupted"] * MANY + ["consumer.failing"]
