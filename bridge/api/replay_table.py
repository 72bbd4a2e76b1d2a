"""Replays of one store: asked for and stopped here, executed by the owning worker."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from bridge.api.listing import Part, Row
from bridge.sql import queries


async def start(connection: asyncpg.Connection, values: Sequence[Any]) -> None:
    """Write a replay, with the values in the order of the query; nothing if it is there."""
    await connection.execute(queries("api_operations")["replay_start"], *values)


async def get(connection: asyncpg.Connection, replay_id: str) -> Row | None:
    """One replay, or None."""
    row: Row | None = await connection.fetchrow(queries("api_operations")["replay_get"], replay_id)
    return row


async def page(connection: asyncpg.Connection, before: int | None, limit: int) -> Part:
    """At most `limit` replays before an epoch (None: all), newest first."""
    rows = await connection.fetch(queries("api_operations")["replay_page"], before, limit)
    return Part(rows, more=len(rows) == limit)


async def cancel(connection: asyncpg.Connection, replay_id: str) -> bool:
    """Ask it to stop; false if it has ended (or is not there)."""
    row = await connection.fetchrow(queries("api_operations")["replay_cancel"], replay_id)
    return bool(row["asked"])


async def groups(connection: asyncpg.Connection) -> Sequence[str]:
    """The consumer groups that the owning worker has."""
    rows = await connection.fetch(queries("api_operations")["groups"])
    return [row["consumer_group"] for row in rows]
