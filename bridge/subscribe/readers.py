"""A few connections to the log, lent to one at a time: for places, and for pages of the past."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from bridge.errors import CausewayError, Unavailable
from bridge.kafka.errors import KafkaError
from bridge.kafka.onlooker import Onlooker
from bridge.subscribe.log import Log

MOST = 3
"""Connections: together they read faster than one process can send."""
ATTEMPT = 5.0
"""Seconds after which a connection that gives nothing is thrown away."""
PAUSE = 0.5

Answer = TypeVar("Answer")


class Readers:
    """Lends connections; each is opened when it is first needed, and closed by `close`."""

    def __init__(self, log: Log, most: int = MOST) -> None:
        self._log = log
        self._free = asyncio.Semaphore(most)
        self._idle: list[tuple[Onlooker, AsyncExitStack]] = []

    async def ask(
        self, question: Callable[[Onlooker], Awaitable[Answer]], patience: float
    ) -> Answer:
        """Ask until there is an answer; Unavailable after `patience` seconds without one."""
        end = asyncio.get_running_loop().time() + patience
        while True:
            try:
                async with self._lent() as reader, asyncio.timeout(ATTEMPT):
                    return await question(reader)
            except (KafkaError, OSError) as error:
                if asyncio.get_running_loop().time() > end:
                    raise Unavailable("the log can't be read", reason="LOG_UNREADABLE") from error
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Close what is not lent."""
        while self._idle:
            await self._idle.pop()[1].aclose()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Onlooker]:
        async with self._free:
            reader, opened = self._idle.pop() if self._idle else await self._opened()
            try:
                yield reader
            except BaseException as error:
                # A question that was answered with an error of ours harms no connection.
                if not isinstance(error, CausewayError):
                    await opened.aclose()
                    raise
                self._idle.append((reader, opened))
                raise
            self._idle.append((reader, opened))

    async def _opened(self) -> tuple[Onlooker, AsyncExitStack]:
        opened = AsyncExitStack()
        return await opened.enter_async_context(self._log.open()), opened
