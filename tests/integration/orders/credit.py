"""Plays Users: hands Orders the credit events as its consumer would."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from bridge.events.event import Event, Origin
from bridge.handling import Handling
from causeway.orders.v1.order_service_pb2 import Order
from causeway.users.v1.events_pb2 import CreditDenied, CreditReserved
from services.orders import aggregate
from services.orders.handlers import credit_handlers
from services.orders.order_log import OrderLog


class Credit:
    """Decides on orders, each decision in a transaction of its own."""

    def __init__(self, pool: Any, log: OrderLog) -> None:
        self._pool = pool
        self._log = log

    async def reserved(self, order: Order) -> None:
        user = order.customer.removeprefix("users/")
        await self._handle(CreditReserved(user_id=user, order=order.name, amount=order.total))

    async def denied(self, order: Order, reason: str) -> None:
        user = order.customer.removeprefix("users/")
        await self._handle(CreditDenied(user_id=user, order=order.name, reason=reason))

    async def history(self, order: Order) -> Sequence[aggregate.Order]:
        async with self._pool.acquire() as connection:
            return await self._log.history(connection, order.name.removeprefix("orders/"))

    async def _handle(self, message: Message) -> None:
        event = event_of(message)
        handler = credit_handlers(self._log)[type(message)]
        async with self._pool.acquire() as connection, connection.transaction():
            await handler(Handling(event, connection, Origin(correlation_id="c")))


def event_of(message: Message) -> Event:
    """The message as it would come from Kafka."""
    return Event(
        id="0198c9a0-0000-7000-8000-000000000000",
        type=message.DESCRIPTOR.full_name,
        source="/causeway/users",
        stream="users/x",
        version=1,
        key="x",
        time=datetime.now(UTC),
        message=message,
        origin=Origin(),
    )
