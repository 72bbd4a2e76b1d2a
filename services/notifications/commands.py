"""What callers may change: read marks and preferences, their own, each in one transaction."""

import asyncpg

from bridge.database import acquire
from bridge.errors import not_found
from bridge.etags import check_etag
from bridge.store.repeats import Repeats
from services.notifications import notification_table, preference_table
from services.notifications.notification_table import Notification
from services.notifications.preference_request import PreferenceChange, changed
from services.notifications.preference_table import Preference


class Commands:
    """Idempotent by the request_id in `repeats`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def mark_read(
        self, recipient: str, notification_id: str, repeats: Repeats
    ) -> Notification:
        """The notification of `users/{id}`, read now or before. NotFound: missing, or another's."""
        async with acquire(self._pool) as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            # Asked for again as well: it changes nothing then, and gives the row as it is now.
            marked = await notification_table.mark_read(connection, notification_id, recipient)
            if marked is None:
                raise not_found(f"notifications/{notification_id}")
            if earlier is None:
                await repeats.settle(connection, f"notifications/{notification_id}")
            return marked

    async def update_preferences(
        self, user_id: str, change: PreferenceChange, repeats: Repeats
    ) -> Preference:
        """The preferences after the change. StaleVersion (etag), InvalidArgument."""
        async with acquire(self._pool) as connection, connection.transaction():
            if await repeats.claim(connection) is None:
                await preference_table.lock(connection, user_id)
                await _apply(connection, user_id, change)
                await repeats.settle(connection, f"users/{user_id}")
            return await preference_table.find(connection, user_id)


async def _apply(connection: asyncpg.Connection, user_id: str, change: PreferenceChange) -> None:
    present = await preference_table.find(connection, user_id)
    check_etag(change.etag, "preferences", present.version)
    after = changed(present, change)
    if after != present:
        await preference_table.save(connection, user_id, after)
