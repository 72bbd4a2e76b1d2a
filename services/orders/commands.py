"""What callers may ask of an order: each command is one transaction.

It holds the event, its outbox row, the read model and the row of the request_id, so either all
of a command is there or nothing of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import uuid_utils
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import (
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidArgument,
    StaleVersion,
    not_found,
)
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.orders import aggregate, order_table, product_table
from services.orders.aggregate import Decision, Line, Order, Refused
from services.orders.order_log import OrderLog

NAMED = 5
"""Unknown products that a refusal's message names; its details name more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of an order that is to be placed."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Change:
    """A transition that a caller asks for. `owner` is the customer whose order it must be, None
    for anybody's; `etag` the version that it must be at, empty for any."""

    order_id: str
    owner: str | None
    etag: str
    decide: Callable[[Order], Decision]


class Commands:
    """Places and changes orders. Idempotent by the request_id in `repeats`."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog) -> None:
        self._pool = pool
        self._log = log

    async def place(
        self, customer: str, wanted: list[Wanted], repeats: Repeats, origin: Origin
    ) -> Order:
        """A new order at the prices of now. InvalidArgument names each unknown sku."""
        async with acquire(self._pool) as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            if earlier is not None:
                return await _as_it_is_now(connection, earlier)
            currency, lines = await _priced(connection, wanted)
            order_id = str(uuid_utils.uuid7())
            messages = _accepted(aggregate.create(order_id, customer, currency, lines))
            order = await self._log.place(connection, order_id, messages, origin)
            await repeats.settle(connection, order.name)
            return order

    async def change(self, change: Change, repeats: Repeats, origin: Origin) -> Order:
        """A transition. NotFound, StaleVersion (etag), FailedPrecondition (not from this state)."""
        async with acquire(self._pool) as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            if earlier is not None:
                # The caller may have lost since then what let it in: the role of an operator.
                return _owned(await _as_it_is_now(connection, earlier), change)
            order = _owned(await self._log.hold(connection, change.order_id), change)
            check_etag(change.etag, order.name, order.version)
            messages = _accepted(change.decide(order))
            order = await self._log.change(connection, order, messages, origin)
            await repeats.settle(connection, order.name)
            return order


def check_etag(etag: str, name: str, version: int) -> None:
    """StaleVersion unless the etag is empty or the present one."""
    if etag and etag != str(version):
        raise StaleVersion(
            f"{name} changed since: its etag is {version}, not {etag}",
            reason="STALE_ETAG",
            metadata={"resource": name, "etag": str(version)},
        )


def _owned(order: Order | None, change: Change) -> Order:
    """The order, unless it is missing or a stranger's."""
    if order is None or change.owner not in (None, order.customer):
        raise not_found(f"orders/{change.order_id}")
    return order


async def _as_it_is_now(connection: asyncpg.Connection, name: str) -> Order:
    order = await order_table.find(connection, name.removeprefix("orders/"))
    if order is None:
        raise Internal(f"{name} was made by an earlier request and is not there")
    return order


async def _priced(connection: asyncpg.Connection, wanted: list[Wanted]) -> tuple[str, list[Line]]:
    """The currency of the order, and its lines with the prices of now."""
    prices = await product_table.prices(connection, [line.sku for line in wanted])
    unknown = [(i, line.sku) for i, line in enumerate(wanted) if line.sku not in prices]
    if unknown:
        skus = list(dict.fromkeys(sku for _, sku in unknown))
        more = f" and {len(skus) - NAMED} more" if len(skus) > NAMED else ""
        raise InvalidArgument(
            "unknown product: " + ", ".join(skus[:NAMED]) + more,
            reason="UNKNOWN_SKU",
            violations=tuple(
                FieldViolation(f"order.items[{i}].sku", f"there is no products/{sku}")
                for i, sku in unknown
            ),
        )
    currencies = {price.currency for price in prices.values()}
    if len(currencies) > 1:
        raise InvalidArgument("an order can't mix currencies", reason="MIXED_CURRENCIES")
    lines = [Line(line.sku, line.quantity, prices[line.sku].nanos) for line in wanted]
    return currencies.pop(), lines


def _accepted(decision: Decision) -> list[Message]:
    if isinstance(decision, Refused):
        raise FailedPrecondition(decision.message, reason="ILLEGAL_TRANSITION")
    return list(decision)
