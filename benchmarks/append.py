"""Append: with one caller beside the `eventsourcing` library and a bare insert; and with many, all
by themselves beside group commit."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg

from benchmarks.harness import Rounds, Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on, store_on
from benchmarks.peers.library import Order, library
from benchmarks.sql import queries
from bridge.database import acquire, open_pool
from bridge.events.event import Event, Origin
from bridge.store.group_commit import GroupCommit
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
SAVES = 500
CALLERS = 32
EACH = 40
ORIGIN = Origin(actor="users/bench", method="/bench/Append")


def confirmed(order_id: str) -> orders.OrderConfirmed:
    """Make the event that is appended everywhere here: 70 bytes."""
    return orders.OrderConfirmed(order_id=order_id, customer="users/u1")


async def append_alone(bench: Bench) -> Sequence[Row]:
    """One caller, one event at a time, to a stream that grows: events/s."""
    disk = await _beside_library(bench, durable=True)
    code = await _beside_library(bench, durable=False)
    limit = await _beside_bare(bench)
    return [
        Row("append, 1 caller", "eventsourcing save", "events/s", disk, Target(least=4)),
        Row("append, no wait for disk", "eventsourcing save", "events/s", code, Target(least=4)),
        Row("append, 1 caller", "bare asyncpg insert", "events/s", limit),
    ]


async def _beside_library(bench: Bench, *, durable: bool) -> Rounds:
    async with bench.database(durable=durable) as mine, bench.database(durable=durable) as others:
        connection = await asyncpg.connect(mine.dsn)
        with library(others.owner) as app:

            async def save() -> float:
                order = Order("users/u1")
                began = time.perf_counter()
                for _ in range(SAVES):
                    order.confirm("users/u1")
                    app.save(order)
                return SAVES / (time.perf_counter() - began)

            rounds = await in_turns(partial(_appended, connection), save, ROUNDS, bench.say)
        await connection.close()
    return rounds


async def _beside_bare(bench: Bench) -> Rounds:
    async with bench.database() as database:
        connection = await asyncpg.connect(database.dsn)

        async def bare() -> float:
            began = time.perf_counter()
            for number in range(SAVES):
                data = confirmed(str(number)).SerializeToString()
                await connection.execute(queries("append")["bare_insert"], str(number), data)
            return SAVES / (time.perf_counter() - began)

        rounds = await in_turns(partial(_appended, connection), bare, ROUNDS, bench.say)
        await connection.close()
    return rounds


async def _appended(connection: asyncpg.Connection) -> float:
    store = store_on(catalog_on("bench", orders))
    order_id = uuid.uuid4().hex
    began = time.perf_counter()
    for version in range(SAVES):
        message = [confirmed(order_id)]
        await store.append(connection, f"orders/{order_id}", version, message, ORIGIN)
    return SAVES / (time.perf_counter() - began)


async def append_together(bench: Bench) -> Sequence[Row]:
    """32 callers, each with a stream of its own: events/s of all together."""
    store = store_on(catalog_on("bench", orders))
    async with bench.database() as database:
        pool = await open_pool(database.dsn, min_size=CALLERS, max_size=CALLERS)
        group = GroupCommit(pool, store)

        async def alone(order_id: str, version: int) -> Sequence[Event]:
            message = [confirmed(order_id)]
            async with acquire(pool) as connection:
                return await store.append(
                    connection, f"orders/{order_id}", version, message, ORIGIN
                )

        async def grouped(order_id: str, version: int) -> Sequence[Event]:
            message = [confirmed(order_id)]
            return await group.append(f"orders/{order_id}", version, message, ORIGIN)

        rounds = await in_turns(lambda: _called(grouped), lambda: _called(alone), ROUNDS, bench.say)
        await pool.close()
    return [Row(f"group commit, {CALLERS} callers", "append one by one", "events/s", rounds)]


async def _called(append: Callable[[str, int], Awaitable[Sequence[Event]]]) -> float:
    async def caller() -> None:
        order_id = uuid.uuid4().hex
        for version in range(EACH):
            await append(order_id, version)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return CALLERS * EACH / (time.perf_counter() - began)
