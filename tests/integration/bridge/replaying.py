"""What tests of replays share: a projection, ways to ask for a replay, and to wait for its end."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from bridge.handling import Handling
from bridge.replay.replayer import Replayer
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append_many,
    outbox_is_empty,
    relaying,
    running,
    until,
)

MANY = {f"o{number}": 12 for number in range(40)}
"""Events by stream: what most replays go over."""
ENDED = ("succeeded", "failed", "cancelled")

COUNTS = """
CREATE TABLE counts (
    customer text PRIMARY KEY, events int NOT NULL CHECK (events > 0),
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, twice int GENERATED ALWAYS AS (events * 2) STORED
)
"""
ADD = """
INSERT INTO counts (customer, events) SELECT * FROM unnest($1::text[], $2::int[])
ON CONFLICT (customer) DO UPDATE SET events = counts.events + excluded.events
"""


async def make_tables(parts: Parts, *statements: str) -> None:
    """Tables of a service, with the rights that a migration gives."""
    owner = await asyncpg.connect(parts.owner)
    try:
        for statement in statements:
            await owner.execute(statement)
        role = parts.dsn.split("//")[1].split(":")[0]
        await owner.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"')
        await owner.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
    finally:
        await owner.close()


async def count(handling: Handling) -> None:
    """Not idempotent on purpose: an event that is missing or counted twice shows."""
    await handling.connection.execute(ADD, [handling.event.key], [1])


async def count_all(handlings: Sequence[Handling]) -> None:
    found = Counter(handling.event.key for handling in handlings)
    await handlings[0].connection.execute(ADD, list(found), list(found.values()))


def group_of(parts: Parts) -> str:
    return f"causeway.{parts.topic}.counts"


def projection(parts: Parts, **changes: Any) -> Subscription:
    wanted: dict[str, Any] = {
        "group": group_of(parts),
        "handlers": {orders.OrderConfirmed: count},
        "tables": ("counts",),
    }
    return Subscription(**wanted | changes)


def replayer(parts: Parts, pool: asyncpg.Pool, *subscriptions: Subscription) -> Replayer:
    return Replayer(subscriptions, parts.catalog, SOURCE, parts.dsn, pool, parts.kafka)


@asynccontextmanager
async def replaying(
    parts: Parts, pool: asyncpg.Pool, *subscriptions: Subscription
) -> AsyncIterator[None]:
    async with running(replayer(parts, pool, *subscriptions).run):
        yield


async def ask(connection: asyncpg.Connection, mode: str, group: str, **columns: Any) -> str:
    """Ask for a replay as the API does; gives its id."""
    replay_id = str(uuid.uuid4())
    values: dict[str, Any] = {
        "id": replay_id,
        "mode": mode,
        "consumer_group": group,
        "origin": "store",
        "actor": "users/root",
    } | columns
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(
        f"INSERT INTO bridge.replays ({names}) VALUES ({places})",  # noqa: S608  (our columns)
        *values.values(),
    )
    await connection.execute("NOTIFY bridge_replays")
    return replay_id


async def cancel(connection: asyncpg.Connection, replay_id: str) -> None:
    await connection.execute(
        "UPDATE bridge.replays SET cancel_requested = true WHERE id = $1::uuid", replay_id
    )
    await connection.execute("NOTIFY bridge_replays")


async def replay_of(connection: asyncpg.Connection, replay_id: str) -> asyncpg.Record:
    return await connection.fetchrow(
        "SELECT state, error, events_done, events_total, checkpoint, epoch FROM bridge.replays "
        "WHERE id = $1::uuid",
        replay_id,
    )


async def ended(
    connection: asyncpg.Connection, replay_id: str, seconds: float = 30
) -> asyncpg.Record:
    """Wait for its end; give its row."""

    async def over() -> bool:
        return (await replay_of(connection, replay_id))["state"] in ENDED

    await until(over, seconds)
    return await replay_of(connection, replay_id)


async def counted(connection: asyncpg.Connection) -> dict[str, int]:
    rows = await connection.fetch("SELECT customer, events, twice FROM counts")
    assert all(row["twice"] == 2 * row["events"] for row in rows)
    return {row["customer"]: row["events"] for row in rows}


async def stored(connection: asyncpg.Connection) -> dict[str, int]:
    """What a fold of all events gives."""
    rows = await connection.fetch("SELECT stream, count(*) AS events FROM bridge.events GROUP BY 1")
    return {row["stream"].partition("/")[2]: row["events"] for row in rows}


async def shadows(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname LIKE $1", "%shadow"
    )
    return [row["tablename"] for row in rows]


async def publish(parts: Parts, connection: asyncpg.Connection, counts: dict[str, int]) -> None:
    await append_many(parts, connection, counts)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
