"""What registrations and changes of identities have in common while they are under way."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import UnionType
from typing import TypeVar

import asyncpg

from bridge.database import acquire
from bridge.errors import FailedPrecondition
from bridge.store.repeats import Repeats

LEASE = timedelta(seconds=15)
"""Longer than a call may take: a living process is done by then."""

SETTLE = timedelta(seconds=30)
"""By then an open request to Keycloak has been answered or has failed."""

Found = TypeVar("Found")


async def first_step(
    pool: asyncpg.Pool,
    begin: Callable[[asyncpg.Connection], Awaitable[Found]],
    kept: type | UnionType,
) -> Found:
    """`begin` in a transaction, committed only where what it finds is one of `kept`."""
    async with acquire(pool) as connection:
        transaction = connection.transaction()
        await transaction.start()
        found = None
        try:
            found = await begin(connection)
            return found
        finally:
            await (transaction.commit() if isinstance(found, kept) else transaction.rollback())


async def earlier(connection: asyncpg.Connection, repeats: Repeats) -> str | None:
    """The user that the same request has made or changed, by asking and taking it back."""
    question = connection.transaction()
    await question.start()
    try:
        return await repeats.claim(connection)
    finally:
        await question.rollback()


def same_request(ours: Repeats, other: Repeats) -> bool:
    """Whether two calls under way are one request. FailedPrecondition: with another body."""
    if not ours.request_id or ours.key != other.key:
        return False
    if ours.body != other.body:
        raise FailedPrecondition(
            "request_id is in use for another request",
            reason="REQUEST_ID_REUSED",
            metadata={"request_id": ours.request_id},
        )
    return True
