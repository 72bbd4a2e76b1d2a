"""How fast the relay drains a full outbox, beside bare aiokafka with the same records."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.append import ORIGIN, confirmed
from benchmarks.harness import Row, Target, in_turns, until
from benchmarks.parts import SOURCE, Bench, catalog_on, store_on
from benchmarks.peers.kafka import bare_producer, send_all
from benchmarks.sql import queries
from bridge.events.catalog import Catalog
from bridge.kafka.producer import BATCH_BYTES
from bridge.kafka.record import Outgoing
from bridge.relay.outbox import Outbox
from bridge.relay.relay import Relay
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
STREAMS, VERSIONS = 200, 100


async def drain(bench: Bench) -> Sequence[Row]:
    """20,000 events become visible at once; events/s until all are out of the outbox."""
    async with bench.database() as database, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        connection = await asyncpg.connect(database.dsn)
        records = await recorded(connection, catalog, STREAMS, VERSIONS)

        async def ours() -> float:
            async with connection.transaction():
                last = await fill(connection, catalog, STREAMS, VERSIONS)
            began = time.perf_counter()
            await published(connection, last)
            return len(records) / (time.perf_counter() - began)

        async with (
            relaying(bench, database.dsn, catalog),
            bare_producer(bench.kafka) as usual,
            bare_producer(bench.kafka, BATCH_BYTES) as large,
        ):
            await ours()  # connections, caches and JIT of the brokers
            beside = await in_turns(ours, partial(_sent, usual, records), ROUNDS, bench.say)
            limit = await in_turns(ours, partial(_sent, large, records), ROUNDS, bench.say)
        await connection.close()
    return [
        Row("relay drain", "bare aiokafka send", "events/s", beside, Target(least=0.85)),
        Row("relay drain", "the same, our batches", "events/s", limit),
    ]


async def _sent(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> float:
    began = time.perf_counter()
    await send_all(producer, records)
    return len(records) / (time.perf_counter() - began)


@asynccontextmanager
async def relaying(bench: Bench, dsn: str, catalog: Catalog) -> AsyncIterator[Relay]:
    """Run an active relay for the block."""
    relay, stop = Relay(dsn, bench.kafka, catalog, SOURCE), asyncio.Event()
    task = asyncio.create_task(relay.run(stop))

    async def active() -> bool:
        return relay.active

    try:
        await until(active)
        yield relay
    finally:
        stop.set()
        await task


async def fill(
    connection: asyncpg.Connection, catalog: Catalog, streams: int, versions: int, prefix: str = ""
) -> int:
    """Append `versions` events to each of `streams` new streams, "orders/<prefix>0" and so on.

    Gives the position of the last one.
    """
    store, prefix = store_on(catalog), prefix or f"{uuid.uuid4().hex}-"
    for number in range(streams):
        order = f"{prefix}{number}"
        messages = [confirmed(order) for _ in range(versions)]
        events = await store.append(connection, f"orders/{order}", 0, messages, ORIGIN)
    return events[-1].position or 0


async def published(connection: asyncpg.Connection, position: int, pause: float = 0.005) -> None:
    """Wait until an event, and so all before it, is out of the outbox; asks every `pause` s."""

    async def is_published() -> bool:
        return bool(await connection.fetchval(queries("relay")["published"], position))

    await until(is_published, pause)


async def recorded(
    connection: asyncpg.Connection, catalog: Catalog, streams: int, versions: int
) -> Sequence[Outgoing]:
    """Make the very records that the relay would, from events that are rolled back again.

    Their keys are "stream-0", "stream-1" and so on.
    """
    transaction = connection.transaction()
    await transaction.start()
    await fill(connection, catalog, streams, versions, "stream-")
    outbox = Outbox(catalog, SOURCE)
    page = await outbox.page(connection, [], most=streams * versions)
    await transaction.rollback()
    return outbox.records(page)
