"""The hops on Kafka: finds the order's events where they lie in the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bridge.kafka.admin import open_admin
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.tail import open_tail
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from stack.tour.journey import Journey, Sight
from stack.tour.refused import Refused

TOPICS = ("causeway.orders.v1", "causeway.users.v1")
CREATED = orders.OrderCreated.DESCRIPTOR.full_name
RESERVED = users.CreditReserved.DESCRIPTOR.full_name
CONFIRMED = orders.OrderConfirmed.DESCRIPTOR.full_name
UNWANTED: Mapping[str, str] = {
    users.CreditDenied.DESCRIPTOR.full_name: "credit was denied",
    orders.OrderRejected.DESCRIPTOR.full_name: "the order was rejected",
}


class Log:
    """What was written since the tour began, by correlation and type; made by `follow_log`."""

    def __init__(self, leaders: Mapping[Partition, int | None]) -> None:
        self._leaders = leaders
        self._seen: dict[tuple[str, str], tuple[Record, float]] = {}
        self._grown = asyncio.Condition()

    async def read(self, tail: AsyncIterator[Record]) -> None:
        """Take everything in, for ever."""
        async for record in tail:
            key = (header(record, "ce_correlationid"), header(record, "ce_type"))
            async with self._grown:
                self._seen.setdefault(key, (record, time.monotonic()))
                self._grown.notify_all()

    async def find(self, correlation: str, event: str) -> Sight:
        """The record of this type that the request caused, as soon as it is there."""
        async with self._grown:
            while (seen := self._seen.get((correlation, event))) is None:
                for unwanted, words in UNWANTED.items():
                    if (correlation, unwanted) in self._seen:
                        raise Refused(words)
                await self._grown.wait()
            record, at = seen
            return Sight(self._facts(record), at)

    def _facts(self, record: Record) -> dict[str, object]:
        """Its coordinates, and the broker that leads its partition."""
        return {
            "event": header(record, "ce_type").rpartition(".")[2],
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "leader": self._leaders.get(Partition(record.topic, record.partition)),
            "event_id": header(record, "ce_id"),
        }


@asynccontextmanager
async def follow_log(kafka: KafkaSettings) -> AsyncIterator[Log]:
    """Read both topics from now until the end of the block."""
    leaders = await _leaders(kafka)
    log = Log(leaders)
    async with open_tail(kafka, leaders) as tail:
        reading = asyncio.create_task(log.read(tail))
        try:
            yield log
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _leaders(kafka: KafkaSettings) -> Mapping[Partition, int | None]:
    async with open_admin(kafka) as admin:
        rows = [row for row in await admin.partitions() if row.topic in TOPICS]
    if not rows:
        raise Refused(f"no topic {' or '.join(TOPICS)}")
    return {Partition(row.topic, row.partition): row.leader for row in rows}


def header(record: Record, name: str) -> str:
    """A header's text; empty where it is not there."""
    return (dict(record.headers).get(name) or b"").decode("utf-8", "replace")


async def find_created(journey: Journey, log: Log) -> Sight:
    """The relay took the event out of the outbox; the brokers have it."""
    return await log.find(journey.correlation, CREATED)


async def find_credit(journey: Journey, log: Log) -> Sight:
    """Users read the order and reserved credit for it."""
    return await log.find(journey.correlation, RESERVED)


async def find_confirmation(journey: Journey, log: Log) -> Sight:
    """Orders read that credit is reserved and confirmed."""
    sight = await log.find(journey.correlation, CONFIRMED)
    journey.confirmation = str(sight.facts["event_id"])
    return sight
