"""Connections to a service's database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

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


@contextmanager
def prompt() -> Iterator[None]:
    """Around statements that take no time: one that times out means that the database is away.

    Not around what somebody else brings, whose TimeoutError may be anybody's.
    """
    try:
        yield
    except TimeoutError as error:
        raise asyncpg.ConnectionFailureError("the database does not answer") from error


@asynccontextmanager
async def transaction(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that begins and ends promptly, or the database is away.

    So the rollback tells a block that was slow from a database that hangs: where it is not
    answered either, its error takes the place of the block's.
    """
    one = connection.transaction()
    with prompt():
        await one.start()
    try:
        yield
    except BaseException:
        with prompt():
            await one.rollback()
        raise
    with prompt():
        await one.commit()


def answers(pool: asyncpg.Pool) -> Callable[[], Awaitable[None]]:
    """Make a readiness probe: whether the database answers."""

    async def probe() -> None:
        async with acquire(pool) as connection:
            await connection.fetchval("SELECT 1")

    return probe
