"""What callers may read of users."""

from collections.abc import Sequence

import asyncpg

from bridge.database import acquire
from bridge.errors import not_found
from services.users import user_table
from services.users.aggregate import User


class Queries:
    """Reads the read model; a command's own effect is in it when the command returns."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def user(self, user_id: str) -> User:
        """The user; NotFound if there is none."""
        async with acquire(self._pool) as connection:
            user = await user_table.find(connection, user_id)
        if user is None:
            raise not_found(f"users/{user_id}")
        return user

    async def users(self, prefix: str, after: str, limit: int) -> Sequence[User]:
        """At most `limit` users that match `prefix`, after the username `after`."""
        async with acquire(self._pool) as connection:
            return await user_table.page(connection, prefix, after, limit)
