"""The prices of now, read once for all who ask at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from copy import copy

import asyncpg

from bridge.database import acquire
from services.orders import product_table
from services.orders.product_table import Price

Answer = asyncio.Future[Mapping[str, Price]]
TURNS = 20
"""Of the loop, that a query waits at most for more who ask."""


class PriceReader:
    """Reads prices. Never older than the question: each is answered by a query that began later."""

    def __init__(self, pool: asyncpg.Pool, until: Callable[[], Awaitable[None]]) -> None:
        """`until` is waited for before each query, as nobody could use an answer earlier."""
        self._pool = pool
        self._until = until
        self._waiting: list[tuple[Iterable[str], Answer]] = []
        self._work: asyncio.Task[None] | None = None

    async def of(self, skus: Set[str]) -> Mapping[str, Price]:
        """The prices of those that are listed, and perhaps of others."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((skus, answer))
        if self._work is None or self._work.done():
            # A task of its own: no caller's cancellation ends the work for the others.
            self._work = asyncio.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        """Answer all who wait; those that come meanwhile are the next query."""
        asked: list[tuple[Iterable[str], Answer]] = []
        try:
            while self._waiting:
                await self._until()
                await self._gathered()
                asked, self._waiting = self._waiting, []
                await self._answer(asked)
        finally:
            # Only where this task is cancelled, as at the end of the process, is anybody left.
            for _, answer in (*asked, *self._waiting):
                answer.cancel()

    async def _gathered(self) -> None:
        """Let those ask too whose calls have arrived: each turn of the loop brings some of them."""
        for _ in range(TURNS):
            before = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == before:
                return

    async def _answer(self, asked: list[tuple[Iterable[str], Answer]]) -> None:
        skus = {sku for some, _ in asked for sku in some}
        try:
            async with acquire(self._pool) as connection:
                prices = await product_table.prices(connection, [*skus])
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(_like(error))
            return
        for _, answer in asked:
            if not answer.done():
                answer.set_result(prices)


def _like(error: Exception) -> Exception:
    """An error of its own for each: each adds its frames."""
    made = copy(error)
    made.__cause__ = error
    return made
