"""What a full store costs: an append, and a batch of the relay, at 1,000,000 stored events beside
10,000."""

import time
import uuid
from collections.abc import Sequence

import asyncpg

from benchmarks.append import ORIGIN, confirmed
from benchmarks.harness import Measure, Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on, store_on
from benchmarks.relay import fill, published, relaying
from benchmarks.stock import stock
from bridge.events.catalog import Catalog
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 15
MANY, FEW = 1_000_000, 10_000
APPENDS = 300
STREAMS, VERSIONS = 100, 50


async def full_store(bench: Bench) -> Sequence[Row]:
    """Two databases, in turns: ms an append, and ms for 5,000 events from commit to Kafka."""
    async with bench.database() as many, bench.database() as few, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        bench.say(f"  storing {MANY:,} events and {FEW:,}")
        await stock(many, MANY)
        await stock(few, FEW)
        ours, theirs = await asyncpg.connect(many.dsn), await asyncpg.connect(few.dsn)
        appended = await in_turns(
            _appending(ours, catalog), _appending(theirs, catalog), ROUNDS, bench.say
        )
        async with relaying(bench, many.dsn, catalog), relaying(bench, few.dsn, catalog):
            # What was appended so far goes first.
            await _relaying(ours, catalog)()
            await _relaying(theirs, catalog)()
            relayed = await in_turns(
                _relaying(ours, catalog), _relaying(theirs, catalog), ROUNDS, bench.say
            )
        await ours.close()
        await theirs.close()
    return [
        Row("append at 1,000,000 events", "at 10,000", "ms", appended, Target(most=1.2)),
        Row("relay 5,000 at 1,000,000", "at 10,000", "ms", relayed, Target(most=1.2)),
    ]


def _appending(connection: asyncpg.Connection, catalog: Catalog) -> Measure:
    store = store_on(catalog)

    async def measure() -> float:
        order = uuid.uuid4().hex
        began = time.perf_counter()
        for version in range(APPENDS):
            await store.append(connection, f"orders/{order}", version, [confirmed(order)], ORIGIN)
        return 1000 * (time.perf_counter() - began) / APPENDS

    return measure


def _relaying(connection: asyncpg.Connection, catalog: Catalog) -> Measure:
    async def measure() -> float:
        async with connection.transaction():
            last = await fill(connection, catalog, STREAMS, VERSIONS)
        began = time.perf_counter()
        await published(connection, last)
        return 1000 * (time.perf_counter() - began)

    return measure
