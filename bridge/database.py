"""Connections to a service's database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg


async def open_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    command_timeout: float = 30.0,
    session: Mapping[str, str] | None = None,
) -> asyncpg.Pool:
    """Open a pool; the caller closes it. `command_timeout` in seconds for each statement; `session`
    are PostgreSQL's settings of each connection.

    asyncpg resets a connection whenever it is released, which costs a round trip. Users of this
    pool leave the session as it was (no SET without LOCAL, no session lock, no listener), and
    asyncpg itself rolls an open transaction back, so there is nothing left to reset.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        command_timeout=command_timeout,
        reset=_keep,
        server_settings=dict(session or {}),
    )


async def _keep(_connection: asyncpg.Connection) -> None:
    """Leave the session as it is."""


@asynccontextmanager
async def acquire(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Borrow a connection, typed.

    Where none can be made, whatever the reason (a password that changed is one), the error is the
    driver's ClientCannotConnectError: nobody could tell others from those of the block.
    """
    try:
        connection = await pool.acquire()
    except (OSError, asyncpg.PostgresError) as error:
        raise asyncpg.ClientCannotConnectError("no connection to the database") from error
    try:
        yield connection
    finally:
        await pool.release(connection)


def answers(pool: asyncpg.Pool) -> Callable[[], Awaitable[None]]:
    """Make a readiness probe: whether the database answers."""

    async def probe() -> None:
        async with acquire(pool) as connection:
            await connection.fetchval("SELECT 1")

    return probe
