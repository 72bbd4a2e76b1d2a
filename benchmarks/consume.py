"""Handling events: with the inbox and an effect, beside FastStream's bare handler without; and
with a key parked, beside the same keys without it."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import asyncpg

from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on
from benchmarks.peers.faststream import consuming
from benchmarks.peers.kafka import bare_producer, send_all
from benchmarks.relay import recorded
from benchmarks.sql import queries
from bridge.consumer.consumer import Consumer
from bridge.database import open_pool
from bridge.errors import Internal
from bridge.events.catalog import Catalog
from bridge.handling import Handler, Handling
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
STREAMS, VERSIONS = 600, 50
PARKING_VERSIONS = 150
"""More, because to find and park a key takes a moment once, and what is asked is what follows."""
POISON = "stream-0"
"""The key of which no event can be handled, where one is to be parked."""


class Count:
    """Counts what a handler was given, and when the first and the last of it came."""

    def __init__(self, wanted: int) -> None:
        self._left = wanted
        self._wanted = wanted
        self._began = 0.0
        self.rate = 0.0
        self.done = asyncio.Event()

    def one(self) -> None:
        """Note one event."""
        if self._left == self._wanted:
            self._began = time.perf_counter()
        self._left -= 1
        if not self._left:
            self.rate = self._wanted / (time.perf_counter() - self._began)
            self.done.set()


async def handle(bench: Bench) -> Sequence[Row]:
    """30,000 events of 600 keys; events/s from the first one handled to the last."""
    async with _filled(bench, VERSIONS) as (topic, consume):

        async def bare() -> float:
            return await _faststream(bench, topic)

        rounds = {
            what: await in_turns(partial(consume, handler, batch), bare, ROUNDS, bench.say)
            for what, handler, batch in (
                ("handled, with inbox", _nothing, False),
                ("handled, an UPSERT each", _upsert, False),
                ("handled, UPSERTs in a batch", _upsert, True),
            )
        }
    targets = (Target(least=2), Target(least=0.9), Target(least=0.9))
    return [
        Row(what, "FastStream, bare", "events/s", found, target)
        for (what, found), target in zip(rounds.items(), targets, strict=True)
    ]


async def park(bench: Bench) -> Sequence[Row]:
    """The same events, of which one key's can't be handled: events/s of the other keys."""
    async with _filled(bench, PARKING_VERSIONS) as (_, consume):
        rounds = await in_turns(
            partial(consume, _poisoned), partial(consume, _nothing), ROUNDS, bench.say
        )
    return [Row("other keys, one parked", "none parked", "events/s", rounds, Target(least=0.9))]


async def _nothing(handling: Handling) -> None:
    """Handle by doing nothing: what is left is the bridge's own."""


async def _upsert(handling: Handling) -> None:
    await handling.connection.execute(queries("consume")["upsert"], handling.event.key)


async def _upsert_all(handlings: Sequence[Handling]) -> None:
    keys = [(handling.event.key,) for handling in handlings]
    await handlings[0].connection.executemany(queries("consume")["upsert"], keys)


async def _poisoned(handling: Handling) -> None:
    if handling.event.key == POISON:
        raise Internal("this event can't be handled")


class _Consume(Protocol):
    async def __call__(self, handler: Handler, batch: bool = False) -> float: ...


@asynccontextmanager
async def _filled(bench: Bench, versions: int) -> AsyncIterator[tuple[str, _Consume]]:
    """Give a topic with all the records on it, and what handles them once in a new group."""
    async with (
        bench.database() as database,
        bench.topic() as topic,
        await open_pool(database.dsn, max_size=10) as pool,
    ):
        catalog = catalog_on(topic, orders)
        await _produce(bench, database.dsn, catalog, versions)

        async def consume(handler: Handler, batch: bool = False) -> float:
            # The key that may be parked is never counted, so that both sides count the same.
            count = Count((STREAMS - 1) * versions)
            subscription = _counted(count, handler, batch)
            consumer = Consumer(subscription, catalog=catalog, pool=pool, kafka=bench.kafka)
            stop = asyncio.Event()
            task = asyncio.create_task(consumer.run(stop))
            await count.done.wait()
            stop.set()
            await task
            return count.rate

        yield topic, consume


def _counted(count: Count, handler: Handler, batch: bool) -> Subscription:
    """Make a group whose events are counted once they are handled."""

    async def one(handling: Handling) -> None:
        await handler(handling)
        if handling.event.key != POISON:
            count.one()

    async def many(handlings: Sequence[Handling]) -> None:
        await _upsert_all(handlings)
        for handling in handlings:
            if handling.event.key != POISON:
                count.one()

    return Subscription(
        f"bench.{uuid.uuid4().hex}", {orders.OrderConfirmed: one}, batch=many if batch else None
    )


async def _faststream(bench: Bench, topic: str) -> float:
    count = Count(STREAMS * VERSIONS)

    async def handler(value: bytes) -> None:
        count.one()

    async with consuming(bench.kafka, topic, f"bench.{uuid.uuid4().hex}", handler):
        await count.done.wait()
    return count.rate


async def _produce(bench: Bench, dsn: str, catalog: Catalog, versions: int) -> None:
    """Put the records on the topic as the relay would."""
    connection = await asyncpg.connect(dsn)
    try:
        records = await recorded(connection, catalog, STREAMS, versions)
    finally:
        await connection.close()
    async with bare_producer(bench.kafka) as producer:
        await send_all(producer, records)
