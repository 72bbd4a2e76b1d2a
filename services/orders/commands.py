"""What callers may ask of an order that is there: each command is one transaction.

It holds the event, its outbox row, the read model and the row of the request_id, so either all
of a command is there or nothing of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import FailedPrecondition, Internal, not_found
from bridge.etags import check_etag
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.orders import order_table
from services.orders.aggregate import Decision, Order, Refused
from services.orders.order_log import OrderLog


@dataclass(frozen=True, slots=True)
class Change:
    """A transition that a caller asks for. `owner` is the customer whose order it must be, None
    for anybody's; `etag` the version that it must be at, empty for any."""

    order_id: str
    owner: str | None
    etag: str
    decide: Callable[[Order], Decision]


class Commands:
    """Changes orders. Idempotent by the request_id in `repeats`."""

    def __init__(self, pool: asyncpg.Pool, log: OrderLog) -> None:
        self._pool = pool
        self._log = log

    async def change(self, change: Change, repeats: Repeats, origin: Origin) -> Order:
        """A transition. NotFound, StaleVersion (etag), FailedPrecondition (not from this state)."""
        async with acquire(self._pool) as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            if earlier is not None:
                # The caller may have lost since then what let it in: the role of an operator.
                return _owned(await _as_it_is_now(connection, earlier), change)
            order = _owned(await self._log.hold(connection, change.order_id), change)
            check_etag(change.etag, order.name, order.version)
            messages = accepted(change.decide(order))
            order = await self._log.change(connection, order, messages, origin)
            await repeats.settle(connection, order.name)
            return order


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


def accepted(decision: Decision) -> list[Message]:
    """The events of a decision. FailedPrecondition: it is against the command."""
    if isinstance(decision, Refused):
        raise FailedPrecondition(decision.message, reason="ILLEGAL_TRANSITION")
    return list(decision)
