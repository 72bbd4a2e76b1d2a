"""Handling events: with the inbox and an effect, beside FastStream's bare handler without; and
with a key parked, beside the same keys without it."""

import asyncio
import time
import uuid
from collections.abc import Sequence

import asyncpg

from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on
from benchmarks.peers.faststream import consuming
from benchmarks.peers.kafka import bare_producer, send_all
from benchmarks.relay import recorded
from benchmarks.sql import queries
from bridge.catalog import Catalog
from bridge.consumer import Consumer
from bridge.database import open_pool
from bridge.handling import Handler, Handling
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 3
STREAMS, VERSIONS = 600, 50


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
    async with bench.database() as database, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        pool = await open_pool(database.dsn, max_size=10)
        await _produce(bench, database.dsn, catalog)

        async def bare() -> float:
            return await _faststream(bench, topic)

        async def inbox() -> float:
            return await _ours(bench, pool, catalog, _nothing)

        async def upsert() -> float:
            return await _ours(bench, pool, catalog, _upsert)

        with_inbox = await in_turns(inbox, bare, ROUNDS, bench.say)
        with_write = await in_turns(upsert, bare, ROUNDS, bench.say)
        await pool.close()
    return [
        Row("handled, with inbox", "FastStream, bare", "events/s", with_inbox, Target(least=2)),
        Row(
            "handled, one UPSERT each",
            "FastStream, bare",
            "events/s",
            with_write,
            Target(least=0.9),
        ),
    ]


async def _nothing(handling: Handling) -> None:
    """Handle by doing nothing: what is left is the bridge's own."""


async def _upsert(handling: Handling) -> None:
    await handling.connection.execute(queries("consume")["upsert"], handling.event.key)


async def _ours(bench: Bench, pool: asyncpg.Pool, catalog: Catalog, handler: Handler) -> float:
    count = Count(STREAMS * VERSIONS)

    async def counted(handling: Handling) -> None:
        await handler(handling)
        count.one()

    subscription = Subscription(f"bench.{uuid.uuid4().hex}", {orders.OrderConfirmed: counted})
    consumer = Consumer(subscription, catalog=catalog, pool=pool, kafka=bench.kafka)
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    await count.done.wait()
    stop.set()
    await task
    return count.rate


async def _faststream(bench: Bench, topic: str) -> float:
    count = Count(STREAMS * VERSIONS)

    async def handler(value: bytes) -> None:
        count.one()

    async with consuming(bench.kafka, topic, f"bench.{uuid.uuid4().hex}", handler):
        await count.done.wait()
    return count.rate


async def _produce(bench: Bench, dsn: str, catalog: Catalog) -> None:
    """Put the records on the topic as the relay would."""
    connection = await asyncpg.connect(dsn)
    try:
        records = await recorded(connection, catalog, STREAMS, VERSIONS)
    finally:
        await connection.close()
    async with bare_producer(bench.kafka) as producer:
        await send_all(producer, records)
