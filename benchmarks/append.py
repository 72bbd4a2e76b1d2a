"""Append: beside the `eventsourcing` library and a bare insert, with many callers, and in a full
store; and a long stream, loaded with a snapshot."""

import time
import uuid
from collections.abc import Sequence

import asyncpg

from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on, store_on
from benchmarks.peers.library import Order, library
from benchmarks.sql import queries
from bridge.event import Origin
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
SAVES = 500
ORIGIN = Origin(actor="users/bench", method="/bench/Append")


def confirmed(order_id: str) -> orders.OrderConfirmed:
    """Make the event that is appended everywhere here: 70 bytes."""
    return orders.OrderConfirmed(order_id=order_id, customer="users/u1")


async def append_alone(bench: Bench) -> Sequence[Row]:
    """One caller, one event at a time, to a stream that grows: events/s."""
    catalog = catalog_on("bench", orders)
    store = store_on(catalog)
    async with bench.database() as ours, bench.database() as theirs:
        connection = await asyncpg.connect(ours.dsn)

        async def append() -> float:
            order_id = uuid.uuid4().hex
            began = time.perf_counter()
            for version in range(SAVES):
                message = [confirmed(order_id)]
                await store.append(connection, f"orders/{order_id}", version, message, ORIGIN)
            return SAVES / (time.perf_counter() - began)

        async def bare() -> float:
            began = time.perf_counter()
            for number in range(SAVES):
                data = confirmed(str(number)).SerializeToString()
                await connection.execute(queries("append")["bare_insert"], str(number), data)
            return SAVES / (time.perf_counter() - began)

        with library(theirs.owner) as app:

            async def save() -> float:
                order = Order("users/u1")
                began = time.perf_counter()
                for _ in range(SAVES):
                    order.confirm("users/u1")
                    app.save(order)
                return SAVES / (time.perf_counter() - began)

            beside = await in_turns(append, save, ROUNDS, bench.say)
        limit = await in_turns(append, bare, ROUNDS, bench.say)
        await connection.close()
    return [
        Row("append, 1 caller", "eventsourcing save", "events/s", beside, Target(least=4)),
        Row("append, 1 caller", "bare asyncpg insert", "events/s", limit),
    ]
