"""One watcher of one order: the present state, then each change."""

from collections.abc import AsyncGenerator, Sequence

import asyncpg

from bridge.changes import Changes
from bridge.database import acquire
from services.orders.aggregate import Order
from services.orders.order_log import OrderLog

CHANNEL = "orders_changed"
"""What `order_save.sql` notifies."""


class Watch:
    """Follows orders. Holds a connection of the pool only while it reads."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog, changes: Changes) -> None:
        self._pool = pool
        self._log = log
        self._changes = changes

    async def follow(
        self, order_id: str, seen: int | None
    ) -> AsyncGenerator[tuple[Order, bool], None]:
        """The order as it is (or, with `seen`, after each version later than that), then after
        each change; False beside it: nothing is new. Ends at once if there is no such order.

        Enters with `changes` before it reads: a change between the two wakes it.
        """
        with self._changes.of(order_id) as woken:
            states = await self._read(order_id, None)
            if not states:
                return
            present = states[-1]
            news = states[-1:] if seen is None else [s for s in states if s.version > seen]
            if not news:
                # A resumed watcher is told at once that it listens.
                yield present, False
            while True:
                for state in news:
                    yield state, True
                await woken.wait()
                woken.clear()
                news = await self._read(order_id, present)
                present = news[-1] if news else present

    async def _read(self, order_id: str, since: Order | None) -> Sequence[Order]:
        async with acquire(self._pool) as connection:
            return await self._log.history(connection, order_id, since)
