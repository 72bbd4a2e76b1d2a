"""A pool for an actor, which may be started while PostgreSQL is down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from bridge.database import open_pool
from bridge.outages import is_away

PATIENCE = 60.0


@asynccontextmanager
async def opened(dsn: str, size: int) -> AsyncIterator[asyncpg.Pool]:
    """Open a pool as soon as the database lets us in; close it at the end of the block."""
    async with asyncio.timeout(PATIENCE):
        pool = await _open(dsn, size)
    try:
        yield pool
    finally:
        pool.terminate()


async def _open(dsn: str, size: int) -> asyncpg.Pool:
    while True:
        try:
            return await open_pool(dsn, max_size=size)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not isinstance(error, OSError) and not is_away(error):
                raise
            await asyncio.sleep(0.2)
