"""The read model of orders: one row an order, as it is after its last event."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from services.orders.aggregate import Line, Order, State
from services.orders.sql import query

COLUMNS = (
    "id",
    "customer",
    "state",
    "version",
    "currency",
    "total",
    "skus",
    "quantities",
    "unit_prices",
    "reject_reason",
    "create_time",
    "update_time",
)


async def save(connection: asyncpg.Connection, order: Order) -> None:
    """Show the order as it is now; wakes its watchers when the transaction commits."""
    await connection.execute(query("order_save"), *_values(order), True)


async def save_all(connection: asyncpg.Connection, orders: Iterable[Order]) -> None:
    """Show orders of a rebuild, without waking anybody."""
    await connection.executemany(
        query("order_save"), [(*_values(order), False) for order in orders]
    )


def rows_of(orders: Iterable[Order]) -> str:
    """The rows of new orders as `orders_begun` takes them, JSON: exact, as its integers have no
    bound."""
    return json.dumps(
        [dict(zip(COLUMNS, _values(order), strict=True)) for order in orders], default=str
    )


async def find(connection: asyncpg.Connection, order_id: str) -> Order | None:
    """The order, or None."""
    row = await connection.fetchrow(query("order_get"), order_id)
    return None if row is None else _order(row)


async def find_all(connection: asyncpg.Connection, order_ids: Iterable[str]) -> Sequence[Order]:
    """Those of the orders that there are."""
    rows = await connection.fetch(query("orders_get"), list(order_ids))
    return [_order(row) for row in rows]


async def lock(connection: asyncpg.Connection, order_id: str) -> None:
    """Hold the order until the end of the transaction, so that a change meets no other."""
    await connection.execute(query("order_lock"), order_id)


async def page(
    connection: asyncpg.Connection,
    customer: str | None,
    state: State | None,
    before: str | None,
    limit: int,
) -> Sequence[Order]:
    """At most `limit` orders older than the one with the id `before`, newest first."""
    rows = await connection.fetch(query("orders_page"), customer, state, before, limit)
    return [_order(row) for row in rows]


def _values(order: Order) -> tuple[Any, ...]:
    """The columns of an order's row, as `order_save` wants them, in the order of `COLUMNS`."""
    return (
        order.id,
        order.customer,
        order.state,
        order.version,
        order.currency,
        order.total,
        [line.sku for line in order.lines],
        [line.quantity for line in order.lines],
        [line.unit_price for line in order.lines],
        order.reject_reason,
        order.create_time,
        order.update_time,
    )


def _order(row: asyncpg.Record) -> Order:
    columns = zip(row["skus"], row["quantities"], row["unit_prices"], strict=True)
    return Order(
        id=row["id"],
        customer=row["customer"],
        lines=tuple(Line(sku, quantity, price) for sku, quantity, price in columns),
        currency=row["currency"],
        total=int(row["total"]),
        state=State(row["state"]),
        version=row["version"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        reject_reason=row["reject_reason"],
    )
