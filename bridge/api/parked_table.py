"""Parked events of one store: read them, and ask the owning worker for something."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from bridge.api.listing import PAGE_BYTES, Part, part_of
from bridge.sql import queries


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which parked events; all must match, what is empty excludes none."""

    group: str = ""
    key: str = ""
    type: str = ""
    reason: str = ""
    ids: Sequence[int] | None = None

    @property
    def arguments(self) -> list[Any]:
        """As the queries take them."""
        return [self.group, self.key, self.type, self.reason, self.ids]


async def page(
    connection: asyncpg.Connection, chosen: Chosen, after: int | None, limit: int
) -> Part:
    """At most `limit` of them after an id (None: the first), in the order of parking."""
    rows = await connection.fetch(
        queries("api_operations")["parked_page"],
        after or 0,
        *chosen.arguments,
        limit,
        PAGE_BYTES,
    )
    return part_of(rows, limit)


async def redrive(connection: asyncpg.Connection, chosen: Chosen, actor: str) -> int:
    """Ask for them to be handled again; gives how many. What was given up is left out."""
    return await _ask(connection, "redrive", chosen, actor)


async def discard(connection: asyncpg.Connection, chosen: Chosen, actor: str) -> int:
    """Ask for them to be given up; gives how many."""
    return await _ask(connection, "discard", chosen, actor)


async def _ask(connection: asyncpg.Connection, what: str, chosen: Chosen, actor: str) -> int:
    sql = queries("api_operations")[what]
    row = await connection.fetchrow(sql, *chosen.arguments, actor)
    return int(row["count"])
