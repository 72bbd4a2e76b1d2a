"""What operators may change of a user: each command is one transaction."""

import asyncpg

from bridge.database import acquire
from bridge.errors import Internal, not_found
from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats
from services.users import aggregate, user_table
from services.users.aggregate import User
from services.users.changes import change


class Commands:
    """Changes users. Idempotent by the request_id in `repeats`."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store

    async def set_credit_limit(
        self, user_id: str, limit: int, repeats: Repeats, origin: Origin
    ) -> User:
        """Set the limit in nanos of EUR. NotFound."""
        async with acquire(self._pool) as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            if earlier is not None:
                return await _as_it_is_now(connection, earlier)
            user = await change(
                connection,
                self._store,
                user_id,
                lambda user, _claim: aggregate.set_credit_limit(user, limit),
                origin,
            )
            if user is None:
                raise not_found(f"users/{user_id}")
            await repeats.settle(connection, f"users/{user_id}")
            return user


async def _as_it_is_now(connection: asyncpg.Connection, name: str) -> User:
    user = await user_table.find(connection, name.removeprefix("users/"))
    if user is None:
        raise Internal(f"{name} was changed by an earlier request and is not there")
    return user
