"""The relay: how fast a full outbox drains, and how soon one event is on Kafka, beside bare
aiokafka with the same records and headers."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median

import asyncpg

from benchmarks.append import ORIGIN, confirmed
from benchmarks.harness import Row, Target, in_turns, until
from benchmarks.parts import SOURCE, Bench, catalog_on, store_on
from benchmarks.peers.kafka import bare_producer, send_all, send_one
from benchmarks.sql import queries
from bridge.catalog import Catalog
from bridge.kafka.record import Outgoing
from bridge.outbox import Outbox, Page
from bridge.relay import Relay
from bridge.sql import queries as bridge_queries
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
STREAMS, VERSIONS = 200, 100
SINGLES = 100


async def drain(bench: Bench) -> Sequence[Row]:
    """20,000 events become visible at once; events/s until the outbox is empty again."""
    async with bench.database() as database, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        connection = await asyncpg.connect(database.dsn)
        records = await recorded(connection, catalog, STREAMS, VERSIONS)
        async with relaying(bench, database.dsn, catalog), bare_producer(bench.kafka) as producer:

            async def ours() -> float:
                async with connection.transaction():
                    await fill(connection, catalog, STREAMS, VERSIONS)
                began = time.perf_counter()
                await emptied(connection, 0.01)
                return len(records) / (time.perf_counter() - began)

            async def theirs() -> float:
                began = time.perf_counter()
                await send_all(producer, records)
                return len(records) / (time.perf_counter() - began)

            await ours()  # connections, caches and JIT of the brokers
            rounds = await in_turns(ours, theirs, ROUNDS, bench.say)
        await connection.close()
    return [Row("relay drain", "bare aiokafka send", "events/s", rounds, Target(least=0.85))]


async def acknowledge(bench: Bench) -> Sequence[Row]:
    """One event at a time: ms from its commit until the brokers have it, the median."""
    async with bench.database() as database, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        store = store_on(catalog)
        connection = await asyncpg.connect(database.dsn)
        records = await recorded(connection, catalog, STREAMS, VERSIONS)
        async with relaying(bench, database.dsn, catalog), bare_producer(bench.kafka) as producer:
            await emptied(connection, 0.1)

            async def ours() -> float:
                taken = []
                for _ in range(SINGLES):
                    order = uuid.uuid4().hex
                    await store.append(connection, f"orders/{order}", 0, [confirmed(order)], ORIGIN)
                    began = time.perf_counter()
                    await emptied(connection, 0.0)
                    taken.append(time.perf_counter() - began)
                return 1000 * median(taken)

            async def theirs() -> float:
                taken = []
                for record in records[:SINGLES]:
                    began = time.perf_counter()
                    await send_one(producer, record)
                    taken.append(time.perf_counter() - began)
                return 1000 * median(taken)

            await ours()
            rounds = await in_turns(ours, theirs, ROUNDS, bench.say)
        await connection.close()
    return [Row("commit → acknowledged", "send_and_wait", "ms", rounds, Target(most=3))]


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
) -> None:
    """Append `versions` events to each of `streams` new streams, "orders/<prefix>0" and so on."""
    store, prefix = store_on(catalog), prefix or f"{uuid.uuid4().hex}-"
    for number in range(streams):
        order = f"{prefix}{number}"
        messages = [confirmed(order) for _ in range(versions)]
        await store.append(connection, f"orders/{order}", 0, messages, ORIGIN)


async def emptied(connection: asyncpg.Connection, pause: float) -> None:
    """Wait until the outbox is empty, asking every `pause` seconds."""

    async def empty() -> bool:
        return not await connection.fetchval(queries("relay")["waiting"])

    await until(empty, pause)


async def recorded(
    connection: asyncpg.Connection, catalog: Catalog, streams: int, versions: int
) -> Sequence[Outgoing]:
    """Make the very records that the relay would, from events that are rolled back again.

    Their keys are "stream-0", "stream-1" and so on.
    """
    transaction = connection.transaction()
    await transaction.start()
    await fill(connection, catalog, streams, versions, "stream-")
    page = bridge_queries("relay")["page"]
    rows = await connection.fetch(page, "{}", streams * versions)
    await transaction.rollback()
    return Outbox(catalog, SOURCE).records(Page([], [], rows, ""))
