"""What callers may read of notifications."""

from collections.abc import Sequence

import asyncpg

from bridge.database import acquire
from services.notifications import notification_table
from services.notifications.notification_table import Notification


class Queries:
    """Reads what the handlers and the sender wrote."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def notifications(
        self, recipient: str, before: str | None, limit: int
    ) -> Sequence[Notification]:
        """At most `limit` of `users/{id}`, older than the id `before`, newest first."""
        async with acquire(self._pool) as connection:
            return await notification_table.page(connection, recipient, before, limit)
