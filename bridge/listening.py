"""Being woken by the database: LISTEN on a connection for the length of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from bridge.outages import DRIVER


@asynccontextmanager
async def listening(
    connection: asyncpg.Connection, channel: str
) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
    """Give two events: set whenever `channel` was notified; set if the connection is gone."""
    wake, lost = asyncio.Event(), asyncio.Event()

    def woken(*_: object) -> None:
        wake.set()

    def ended(*_: object) -> None:
        lost.set()

    connection.add_termination_listener(ended)
    await connection.add_listener(channel, woken)
    try:
        yield wake, lost
    finally:
        # A connection that is gone listens to nothing.
        with suppress(*DRIVER):
            connection.remove_termination_listener(ended)
            await connection.remove_listener(channel, woken)
