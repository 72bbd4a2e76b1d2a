"""Placing orders: those that are placed at the same time are one transaction (GroupCommit).

It holds their events and outbox rows, the read models and the rows of the request_ids, so either
all of an order is there or nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import uuid_utils

from bridge.database import acquire
from bridge.errors import FieldViolation, Internal, InvalidArgument
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.orders import aggregate, order_table
from services.orders.aggregate import Line, Order
from services.orders.commands import accepted
from services.orders.order_log import OrderLog, fold
from services.orders.price_reader import PriceReader
from services.orders.product_table import Price

NAMED = 5
"""Unknown products that a refusal's message names; its details name more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of an order that is to be placed."""

    sku: str
    quantity: int


class Placing:
    """Places orders. Idempotent by the request_id in `repeats`."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog) -> None:
        self._pool = pool
        self._group = log.together(pool)
        self._prices = PriceReader(pool, self._group.settled)

    async def place(
        self, customer: str, wanted: Sequence[Wanted], repeats: Repeats, origin: Origin
    ) -> Order:
        """A new order at the prices of now. InvalidArgument names each unknown sku."""
        prices = await self._prices.of({line.sku for line in wanted})
        currency, lines = priced(wanted, prices)
        order_id = str(uuid_utils.uuid7())
        messages = accepted(aggregate.create(order_id, customer, currency, lines))
        events = await self._group.append_once(f"orders/{order_id}", 0, messages, origin, repeats)
        if events is None:
            return await self._as_it_is_now(repeats)
        return fold(None, events)[-1]

    async def _as_it_is_now(self, repeats: Repeats) -> Order:
        """The order that an earlier call with the same request_id placed."""
        async with acquire(self._pool) as connection:
            name = await repeats.earlier(connection)
            order = await order_table.find(connection, name.removeprefix("orders/"))
        if order is None:
            raise Internal(f"{name} was made by an earlier request and is not there")
        return order


def priced(wanted: Sequence[Wanted], prices: Mapping[str, Price]) -> tuple[str, list[Line]]:
    """The currency of an order, and its lines with their prices."""
    unknown = [(i, line.sku) for i, line in enumerate(wanted) if line.sku not in prices]
    if unknown:
        raise _unknown(unknown)
    currencies = {prices[line.sku].currency for line in wanted}
    if len(currencies) > 1:
        raise InvalidArgument("an order can't mix currencies", reason="MIXED_CURRENCIES")
    lines = [Line(line.sku, line.quantity, prices[line.sku].nanos) for line in wanted]
    return currencies.pop(), lines


def _unknown(unknown: Sequence[tuple[int, str]]) -> InvalidArgument:
    skus = list(dict.fromkeys(sku for _, sku in unknown))
    more = f" and {len(skus) - NAMED} more" if len(skus) > NAMED else ""
    return InvalidArgument(
        "unknown product: " + ", ".join(skus[:NAMED]) + more,
        reason="UNKNOWN_SKU",
        violations=tuple(
            FieldViolation(f"order.items[{i}].sku", f"there is no products/{sku}")
            for i, sku in unknown
        ),
    )
