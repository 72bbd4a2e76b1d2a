"""What callers may read."""

from collections.abc import Sequence

import asyncpg

from bridge.database import acquire
from services.notifications import notification_table, preference_table
from services.notifications.notification_table import Notification
from services.notifications.preference_table import Preference


class Queries:
    """Reads what the handlers and the sender wrote, and what callers said."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def notifications(
        self, recipient: str, before: str | None, limit: int
    ) -> Sequence[Notification]:
        """At most `limit` of `users/{id}`, older than the id `before`, newest first."""
        async with acquire(self._pool) as connection:
            return await notification_table.page(connection, recipient, before, limit)

    async def preferences(self, user_id: str) -> Preference:
        """How the user wants to be told."""
        async with acquire(self._pool) as connection:
            return await preference_table.find(connection, user_id)
