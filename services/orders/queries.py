"""What callers may ask to see, each with a connection for the moment of the question."""

from collections.abc import Sequence

import asyncpg

from bridge.database import acquire
from causeway.bridge.v1 import event_pb2
from services.orders import order_table, product_table
from services.orders.aggregate import Order, State
from services.orders.order_log import OrderLog
from services.orders.product_table import Product


class Queries:
    """Reads the read models, and the events behind them."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog) -> None:
        self._pool = pool
        self._log = log

    async def order(self, order_id: str) -> Order | None:
        """One order, or None."""
        async with acquire(self._pool) as connection:
            return await order_table.find(connection, order_id)

    async def orders(
        self, customer: str | None, state: State | None, before: str | None, limit: int
    ) -> Sequence[Order]:
        """Orders of one customer or of all, newest first, older than the id `before`."""
        async with acquire(self._pool) as connection:
            return await order_table.page(connection, customer, state, before, limit)

    async def events(self, order_id: str, after: int, limit: int) -> Sequence[event_pb2.Event]:
        """Events of one order, oldest first, later than the version `after`."""
        async with acquire(self._pool) as connection:
            return await self._log.listed(connection, order_id, after, limit)

    async def products(self, after: str | None, limit: int) -> Sequence[Product]:
        """Products by sku, those after `after`."""
        async with acquire(self._pool) as connection:
            return await product_table.page(connection, after, limit)
