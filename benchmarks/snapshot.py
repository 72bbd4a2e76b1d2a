"""Loading a long stream with a snapshot, beside a short one without."""

import time
from collections.abc import Sequence

import asyncpg

from benchmarks.append import ORIGIN, confirmed
from benchmarks.harness import Measure, Row, Target, in_turns
from benchmarks.parts import Bench, catalog_on, store_on
from bridge.events.event import Event
from bridge.store.event_store import EventStore
from bridge.store.snapshots import Shape, Snapshots
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
LONG, SHORT = 10_050, 10
"""The long one ends half way between two snapshots, as streams do on average."""
LOADS = 200
PORTION = 50


def _count(state: int | None, event: Event) -> int:
    return (state or 0) + 1


COUNTED: Shape[int] = Shape(evolve=_count, encode=lambda state: b"%d" % state, decode=int, format=1)
"""An aggregate that counts its events: all of the cost is the loading."""


async def long_stream(bench: Bench) -> Sequence[Row]:
    """Load each again and again: ms a load."""
    store = store_on(catalog_on("bench", orders))
    snapshots = Snapshots(store, COUNTED)
    async with bench.database() as database:
        connection = await asyncpg.connect(database.dsn)
        await _append(connection, store, snapshots, "long", LONG)
        await _append(connection, store, snapshots, "short", SHORT)
        rounds = await in_turns(
            _loading(connection, snapshots, "long", LONG),
            _loading(connection, snapshots, "short", SHORT),
            ROUNDS,
            bench.say,
        )
        await connection.close()
    return [Row("load 10,050 with snapshot", "load 10 events", "ms", rounds, Target(most=5))]


async def _append(
    connection: asyncpg.Connection,
    store: EventStore,
    snapshots: Snapshots[int],
    order: str,
    count: int,
) -> None:
    loaded = await snapshots.load(connection, f"orders/{order}")
    while loaded.version < count:
        messages = [confirmed(order) for _ in range(min(PORTION, count))]
        events = await store.append(connection, f"orders/{order}", loaded.version, messages, ORIGIN)
        # As a service does: the last snapshot stands somewhere before the end.
        loaded = await snapshots.keep(connection, loaded, events)


def _loading(
    connection: asyncpg.Connection, snapshots: Snapshots[int], order: str, count: int
) -> Measure:
    async def measure() -> float:
        began = time.perf_counter()
        for _ in range(LOADS):
            loaded = await snapshots.load(connection, f"orders/{order}")
            assert loaded.state == loaded.version == count
        return 1000 * (time.perf_counter() - began) / LOADS

    return measure
