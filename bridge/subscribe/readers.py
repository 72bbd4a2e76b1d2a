"""A few connections to the log, lent to one at a time: for places, and for pages of the past."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar

from bridge.errors import CausewayError, Unavailable
from bridge.kafka.errors import KafkaError
from bridge.kafka.onlooker import Onlooker
from bridge.server.drain import going_away
from bridge.subscribe.log import Log

MOST = 3
"""Connections: together they read faster than one process can send."""
ATTEMPT = 5.0
"""Seconds after which a connection that gives nothing is thrown away."""
PAUSE = 0.5

Answer = TypeVar("Answer")


class Readers:
    """Lends connections; each is opened when it is first needed, and closed by `close`.

    Who asks does so in a task that is not a caller's: `close` cancels it.
    """

    def __init__(self, log: Log, most: int = MOST) -> None:
        self._log = log
        self._free = asyncio.Semaphore(most)
        self._idle: list[tuple[Onlooker, AsyncExitStack]] = []
        self._asking: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def ask(
        self, question: Callable[[Onlooker], Awaitable[Answer]], patience: float
    ) -> Answer:
        """Ask until there is an answer; Unavailable after `patience` seconds without one.

        They count from now: also while all connections are lent.
        """
        if self._closed:
            raise going_away()
        with self._cancelled_by_close():
            return await self._ask(question, asyncio.get_running_loop().time() + patience)

    async def close(self) -> None:
        """End all questions, and close all connections."""
        self._closed = True
        asking = list(self._asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        while self._idle:
            await self._idle.pop()[1].aclose()

    async def _ask(self, question: Callable[[Onlooker], Awaitable[Answer]], end: float) -> Answer:
        now = asyncio.get_running_loop().time
        while True:
            try:
                async with (
                    self._turn(end),
                    asyncio.timeout_at(min(end, now() + ATTEMPT)),
                    self._lent() as reader,
                ):
                    return await question(reader)
            except (KafkaError, OSError) as error:
                if now() + PAUSE >= end:
                    raise Unavailable("the log can't be read", reason="LOG_UNREADABLE") from error
            await asyncio.sleep(PAUSE)

    @contextmanager
    def _cancelled_by_close(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None, "asked outside of a task"  # noqa: S101 (narrows the type)
        self._asking.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self._closed:
                raise going_away() from None
            raise
        finally:
            self._asking.discard(task)

    @asynccontextmanager
    async def _turn(self, end: float) -> AsyncIterator[None]:
        async with asyncio.timeout_at(end):
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Onlooker]:
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
