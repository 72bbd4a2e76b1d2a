"""Rebuild: a projection of orders per customer, beside a raw fetch and decode of the same rows."""

import time
from collections import Counter
from collections.abc import Sequence

import asyncpg

from benchmarks.append import confirmed
from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import SCHEMA, SOURCE, Bench, Database, catalog_on
from benchmarks.sql import queries
from bridge.database import open_pool
from bridge.handling import Handling
from bridge.replay.execution import Execution
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders

EVENTS = 200_000
CUSTOMERS = 1000
PAGE = 5000
ROUNDS = 3
GROUP = "causeway.bench.orders-per-customer"
TYPE = "causeway.orders.v1.OrderConfirmed"


async def rebuild(bench: Bench) -> Sequence[Row]:
    """A whole rebuild (shadow, checkpoints, swap) of 200,000 events: events/s."""
    async with bench.database() as database, await open_pool(database.dsn) as pool:
        await _fill(database)
        execution = Execution(
            subscription(), catalog_on("bench", orders), SOURCE, pool, bench.kafka
        )

        async def ours() -> float:
            connection = await asyncpg.connect(database.dsn)
            await connection.execute(queries("replay")["ask"], GROUP)
            began = time.perf_counter()
            await execution.next(connection)
            took = time.perf_counter() - began
            assert await connection.fetchval(queries("replay")["total"]) == EVENTS
            await connection.close()
            return EVENTS / took

        beside = await in_turns(ours, lambda: _raw(database), ROUNDS, bench.say)
    return [
        Row("rebuild, orders per customer", "raw fetch, decode", "events/s", beside, Target(0.3))
    ]


def subscription() -> Subscription:
    """The projection: one statement a page."""
    return Subscription(
        GROUP,
        {orders.OrderConfirmed: _count},
        batch=_count_all,
        tables=("orders_per_customer",),
        live=False,
    )


async def _count(handling: Handling) -> None:
    await _count_all([handling])


async def _count_all(handlings: Sequence[Handling]) -> None:
    found: Counter[str] = Counter()
    for handling in handlings:
        message = handling.event.message
        assert isinstance(message, orders.OrderConfirmed)
        found[message.customer] += 1
    await handlings[0].connection.execute(
        queries("replay")["add"], list(found), list(found.values())
    )


async def _raw(database: Database) -> float:
    """Fetch the rows in pages of the same size, and decode their messages: all that must be."""
    connection = await asyncpg.connect(database.dsn)
    began = time.perf_counter()
    position = seen = 0
    while rows := await connection.fetch(queries("replay")["raw"], TYPE, position, PAGE):
        for row in rows:
            orders.OrderConfirmed.FromString(row["data"])
        position = rows[-1]["position"]
        seen += len(rows)
    took = time.perf_counter() - began
    assert seen == EVENTS
    await connection.close()
    return EVENTS / took


async def _fill(database: Database) -> None:
    data = []
    for number in range(CUSTOMERS):
        message = confirmed(f"o{number}")
        message.customer = f"users/u{number}"
        data.append(message.SerializeToString())
    connection = await asyncpg.connect(database.superuser)
    await connection.execute(queries("replay")["events"], EVENTS, CUSTOMERS, TYPE, data, SCHEMA.id)
    await connection.execute(queries("replay")["settle"])
    await connection.close()
