"""What the bridge's API reads of one store: events, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from bridge.api.listing import PAGE_BYTES, Part, Row, part_of
from bridge.sql import queries


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; what is empty or None excludes none."""

    subject: str = ""
    type: str = ""
    correlation: str = ""
    start_time: datetime | None = None
    """At or after."""
    end_time: datetime | None = None
    """Before."""
    publisher: str = ""
    """Source of those from outside."""


async def find(connection: asyncpg.Connection, event_id: str) -> Row | None:
    """One event by its id, or None."""
    row: Row | None = await connection.fetchrow(queries("api_events")["find"], event_id)
    return row


async def page(
    connection: asyncpg.Connection, wanted: Wanted, after: int | None, limit: int
) -> Part:
    """At most `limit` events after a position (None: the first), in order of position."""
    sql = queries("api_events")
    # Later pages begin where the last one ended: only the first has to look for its time.
    first = 0
    if after is None and wanted.start_time is not None:
        first = await connection.fetchval(sql["first_since"], wanted.start_time)
    rows = await connection.fetch(
        sql["page"],
        after or 0,
        wanted.subject,
        wanted.type,
        wanted.correlation,
        wanted.start_time,
        wanted.end_time,
        first,
        limit,
        PAGE_BYTES,
        wanted.publisher,
    )
    return part_of(rows, limit)


async def family(
    connection: asyncpg.Connection, correlation: str, limit: int
) -> Sequence[Mapping[str, Any]]:
    """At most `limit` events of one correlation, in order of position; `size` instead of `data`."""
    rows: Sequence[Row] = await connection.fetch(
        queries("api_events")["family"], correlation, limit
    )
    return rows


async def contents(
    connection: asyncpg.Connection, event_ids: Sequence[str], most: int
) -> Sequence[Row]:
    """The data of those events that this store has, `most` bytes of it but for the first."""
    rows: Sequence[Row] = await connection.fetch(queries("api_events")["contents"], event_ids, most)
    return rows


async def outcomes(connection: asyncpg.Connection, event_ids: Sequence[str]) -> Sequence[Row]:
    """What the store's groups did with events: handled, parked or discarded."""
    rows: Sequence[Row] = await connection.fetch(queries("api_events")["outcomes"], event_ids)
    return rows


async def consumers(connection: asyncpg.Connection, types: Sequence[str]) -> Sequence[Row]:
    """The store's groups that consume any of the types."""
    rows: Sequence[Row] = await connection.fetch(queries("api_events")["consumers"], types)
    return rows


async def deliveries(connection: asyncpg.Connection, event_ids: Sequence[str]) -> Sequence[Row]:
    """The external effects that the store's handlers asked for because of events."""
    rows: Sequence[Row] = await connection.fetch(queries("api_events")["deliveries"], event_ids)
    return rows
