"""When each notification last changed, as the triggers of its table wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from services.notifications.notification_table import notification_of
from services.notifications.sql import query
from services.notifications.tail import Change, Position


@dataclass(frozen=True, slots=True)
class Survey:
    """Transactions below `settled` are over, and none has the number `next` or a higher one."""

    settled: int
    next: int


async def survey(connection: asyncpg.Connection) -> Survey:
    """Ask who is at work, before a reading. Outside of a transaction, which would look once."""
    row = await connection.fetchrow(query("watch_survey"))
    return Survey(row["settled"], row["next"])


async def page(
    connection: asyncpg.Connection, recipient: str, after: Position, limit: int
) -> Sequence[Change]:
    """At most `limit` changes for `users/{id}` after a position, each with its notification."""
    rows = await connection.fetch(
        query("watch_page"), recipient, str(after.transaction), after.notification_id, limit
    )
    return [Change(notification_of(row), int(row["changed"])) for row in rows]
