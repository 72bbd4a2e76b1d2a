"""AIP-155: the same request twice has one result."""

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
    first = await connection.fetchrow(sql["first"], caller, method, request_id)
    if first is None or first["resource"] is None:
        raise Internal(f"{method}: a claimed request was committed without being settled")
    if first["body"] != body:
        raise FailedPrecondition(
            "request_id was used before for another request",
            reason="REQUEST_ID_REUSED",
            metadata={"request_id": request_id},
        )
    return str(first["resource"])


async def settle(
    connection: asyncpg.Connection, caller: str, method: str, request_id: str, resource: str
) -> None:
    """Name what the claimed request made, in the same transaction."""
    await connection.execute(
        queries("requests")["settle"], caller, method, request_id.lower(), resource
    )
