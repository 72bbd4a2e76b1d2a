"""Placing orders: those that are placed at the same time are one transaction (GroupCommit).

It holds their events and outbox rows, the read models and the rows of the request_ids, so either
all of an order is there or nothing of it.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg
import uuid_utils

from bridge.database import acquire
from bridge.errors import FieldViolation, Internal, InvalidArgument, Unavailable
from bridge.events.event import Event, Origin
from bridge.store.bursts import Bursts, Making, ready
from bridge.store.draft import Draft
from bridge.store.group_commit import MOST
from bridge.store.repeats import Repeats
from causeway.orders.v1 import order_service_pb2
from services.orders import aggregate, order_table, product_table
from services.orders.aggregate import Line, Order
from services.orders.commands import accepted
from services.orders.order_log import OrderLog, fold
from services.orders.product_table import Price
from services.orders.resources import order_message

NAMED = 5
"""Unknown products that a refusal's message names; its details name more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of an order that is to be placed."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as its caller asks for it. Idempotent by the request_id in `repeats`."""

    customer: str
    wanted: Sequence[Wanted]
    repeats: Repeats
    origin: Origin


_Call = Making[order_service_pb2.Order | Repeats, Asked]
"""One caller's order; its request_id, where that was used before."""


class Placing:
    """Places orders, those of one moment in one go: what is asked for is read, priced and decided
    for all of them before anything is written, and each is told what is wrong with its own."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog) -> None:
        self._pool = pool
        self._log = log
        self._group = log.together(pool)
        self._bursts = Bursts(_next, self._place_all, _ended)

    async def place(self, ask: Callable[[], Asked]) -> order_service_pb2.Order:
        """A new order at the prices of now. InvalidArgument names each unknown sku;
        FailedPrecondition: the request_id was used for something else; Unavailable
        (OUTCOME_UNKNOWN): the connection was lost at the commit.

        `ask` is called when the orders of this moment are placed; what it raises is raised here.
        """
        call: _Call = Making(ask)
        self._bursts.put(call)
        placed = await call.outcome
        if isinstance(placed, Repeats):
            return order_message(await self._as_it_is_now(placed))
        return placed

    async def _place_all(self, group: Sequence[_Call]) -> None:
        calls = [(call, asked) for call in group if (asked := call.made)]
        async with acquire(self._pool) as connection:
            skus = {line.sku for _, asked in calls for line in asked.wanted}
            prices = await product_table.prices(connection, [*skus])
        begun = [
            (call, (draft, asked.repeats))
            for call, asked in calls
            if (draft := call.tried(partial(self._begin, asked, prices)))
        ]
        written = await self._group.append_all([append for _, append in begun])
        for (call, (_, repeats)), events in zip(begun, written, strict=True):
            if isinstance(events, BaseException):
                call.fail(events)
            elif events is None:
                call.answer(repeats)
            elif order := call.tried(partial(_shown, events)):
                call.answer(order)

    def _begin(self, asked: Asked, prices: Mapping[str, Price]) -> Draft:
        currency, lines = priced(asked.wanted, prices)
        order_id = str(uuid_utils.uuid7())
        messages = accepted(aggregate.create(order_id, asked.customer, currency, lines))
        return self._log.begin(order_id, messages, asked.origin)

    async def _as_it_is_now(self, repeats: Repeats) -> Order:
        """The order that an earlier call with the same request_id placed."""
        async with acquire(self._pool) as connection:
            name = await repeats.earlier(connection)
            order = await order_table.find(connection, name.removeprefix("orders/"))
        if order is None:
            raise Internal(f"{name} was made by an earlier request and is not there")
        return order


def _next(waiting: deque[_Call]) -> Sequence[_Call]:
    """Form a group. Who repeats a request that is in it waits behind the others: a repeat takes a
    commit of its own."""
    group: list[_Call] = []
    later: list[_Call] = []
    requests: set[tuple[str, str, str]] = set()
    for call in ready(waiting, MOST):
        if asked := call.made:
            repeats = asked.repeats
            (later if repeats.request_id and repeats.key in requests else group).append(call)
            requests.add(repeats.key)
    waiting.extend(later)
    return group


def _shown(events: Sequence[Event]) -> order_service_pb2.Order:
    return order_message(fold(None, events)[-1])


def _ended() -> Unavailable:
    return Unavailable(
        "the process ended: ask again with the same request_id", reason="OUTCOME_UNKNOWN"
    )


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
