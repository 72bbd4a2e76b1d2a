"""Snapshots on real PostgreSQL: faster, and never another result."""

import hashlib
from dataclasses import dataclass

import asyncpg
import pytest

from bridge.errors import Internal
from bridge.events.event import Event, Origin
from bridge.store.snapshots import Loaded, Shape, Snapshots
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts

LONG = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """A fold that depends on every event and on their order."""

    count: int
    digest: str


def evolve(state: Told | None, event: Event) -> Told:
    before = state or Told(0, "")
    text = f"{before.digest}{event.id}{event.message.SerializeToString().hex()}"
    return Told(before.count + 1, hashlib.sha256(text.encode()).hexdigest())


def encode(state: Told) -> bytes:
    return f"{state.count} {state.digest}".encode()


def decode(data: bytes) -> Told:
    count, digest = data.decode().split(" ")
    return Told(int(count), digest)


SHAPE = Shape(evolve, encode, decode, format=2, every=1000)


async def append(
    parts: Parts,
    connection: asyncpg.Connection,
    snapshots: Snapshots[Told],
    before: Loaded[Told],
    count: int,
) -> Loaded[Told]:
    messages = [
        orders.OrderRejected(order_id="o1", reason=str(before.version + n)) for n in range(count)
    ]
    async with connection.transaction():
        events = await parts.store.append(
            connection, "orders/o1", before.version, messages, Origin()
        )
        return await snapshots.keep(connection, before, events)


async def test_a_stream_of_10_000_events_loads_the_same_with_and_without_a_snapshot(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    snapshots = Snapshots(parts.store, SHAPE)
    loaded = await snapshots.load(connection, "orders/o1")
    assert loaded == Loaded(None, 0)
    for _ in range(LONG // 250):
        loaded = await append(parts, connection, snapshots, loaded, 250)
    loaded = await append(parts, connection, snapshots, loaded, 7)
    with_snapshot = await snapshots.load(connection, "orders/o1")
    assert await connection.fetchval("SELECT version FROM bridge.snapshots") == LONG
    await connection.execute("DELETE FROM bridge.snapshots")
    without = await snapshots.load(connection, "orders/o1")
    assert with_snapshot == without == loaded
    assert loaded.version == LONG + 7
    assert loaded.state is not None
    assert loaded.state.count == LONG + 7


async def test_the_snapshot_is_what_is_loaded(parts: Parts, connection: asyncpg.Connection) -> None:
    """Else the test above would hold if every snapshot were passed over."""
    snapshots = Snapshots(parts.store, SHAPE)
    loaded = await append(parts, connection, snapshots, Loaded(None, 0), 1000)
    marked = Told(5, "marked")
    await connection.execute("UPDATE bridge.snapshots SET data = $1", encode(marked))
    assert await snapshots.load(connection, "orders/o1") == Loaded(marked, loaded.version)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM bridge.snapshots",
        "UPDATE bridge.snapshots SET format = 1",
        "UPDATE bridge.snapshots SET version = 999",
        "UPDATE bridge.snapshots SET version = 5000",
        "UPDATE bridge.snapshots SET data = '\\x00ff'",
        "UPDATE bridge.snapshots SET event_id = gen_random_uuid()",
    ],
)
async def test_a_snapshot_that_is_lost_foreign_or_wrong_changes_nothing(
    parts: Parts, connection: asyncpg.Connection, damage: str
) -> None:
    snapshots = Snapshots(parts.store, SHAPE)
    loaded = await append(parts, connection, snapshots, Loaded(None, 0), 1003)
    assert await connection.execute(damage) in ("DELETE 1", "UPDATE 1")
    assert await snapshots.load(connection, "orders/o1") == loaded


async def test_a_snapshot_is_written_whenever_a_round_is_full(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    snapshots = Snapshots(parts.store, Shape(evolve, encode, decode, format=1, every=4))
    loaded: Loaded[Told] = Loaded(None, 0)
    seen = []
    for count in (1, 2, 1, 1, 6, 1):
        loaded = await append(parts, connection, snapshots, loaded, count)
        seen.append(await connection.fetchval("SELECT max(version) FROM bridge.snapshots"))
    assert seen == [None, None, 4, 4, 11, 12]


async def test_a_snapshot_must_end_with_its_own_event(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    snapshots = Snapshots(parts.store, SHAPE)
    await append(parts, connection, snapshots, Loaded(None, 0), 2)
    first, second = await parts.store.load(connection, "orders/o1")
    with pytest.raises(Internal):
        await snapshots.save(connection, first, Loaded(evolve(None, first), second.version))
