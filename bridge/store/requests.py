"""AIP-155: the same request twice has one result."""

from collections.abc import Sequence

import asyncpg

from bridge.errors import FailedPrecondition, Internal
from bridge.sql import queries


async def claim(
    connection: asyncpg.Connection, caller: str, method: str, request_id: str, body: bytes
) -> str | None:
    """Take a request_id inside the command's transaction; `body` is a digest of the request.

    None: this is the first call, go on and `settle`. Otherwise the resource that the first call
    made: answer with it as it is now. A duplicate that comes while the first is still at work
    waits for it. The same id with another body is FailedPrecondition. Kept for at least 7 days.
    """
    sql = queries("requests")
    request_id = request_id.lower()  # two spellings of one UUID are one request
    if await connection.fetchval(sql["claim"], caller, method, request_id, body):
        return None
    return await first(connection, caller, method, request_id, body)


async def claim_all(
    connection: asyncpg.Connection, claims: Sequence[tuple[str, str, str, bytes, str]]
) -> frozenset[str]:
    """Take many as `claim` does, each (caller, method, request_id, body, resource) settled at once.

    No two of the same request. The resources of those that were free: the others are repeats.
    """
    columns = [list(column) for column in zip(*claims, strict=True)]
    rows = await connection.fetch(queries("requests")["claim_all"], *columns)
    return frozenset(row["resource"] for row in rows)


async def first(
    connection: asyncpg.Connection, caller: str, method: str, request_id: str, body: bytes
) -> str:
    """Give the resource of a request_id that was used; FailedPrecondition as `claim` says."""
    found = await connection.fetchrow(queries("requests")["first"], caller, method, request_id)
    if found is None or found["resource"] is None:
        raise Internal(f"{method}: a claimed request was committed without being settled")
    if found["body"] != body:
        raise _reused(request_id)
    return str(found["resource"])


async def other(
    connection: asyncpg.Connection, caller: str, method: str, request_id: str, body: bytes
) -> FailedPrecondition | None:
    """Say that a request_id was used for another request; None if it was not."""
    found = await connection.fetchrow(queries("requests")["first"], caller, method, request_id)
    return None if found is None or found["body"] == body else _reused(request_id)


def _reused(request_id: str) -> FailedPrecondition:
    return FailedPrecondition(
        "request_id was used before for another request",
        reason="REQUEST_ID_REUSED",
        metadata={"request_id": request_id},
    )


async def settle(
    connection: asyncpg.Connection, caller: str, method: str, request_id: str, resource: str
) -> None:
    """Name what the claimed request made, in the same transaction."""
    await connection.execute(
        queries("requests")["settle"], caller, method, request_id.lower(), resource
    )
