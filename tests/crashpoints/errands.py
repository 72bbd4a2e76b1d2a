"""What goes on beside a customer's orders: a limit, a product with its stock, a read mark."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from bridge.events.outside import event_id_of
from causeway.bridge.v1 import event_service_pb2 as events
from causeway.bridge.v1.event_pb2 import Event
from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.notifications.v1 import notification_service_pb2 as notifications
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.users.v1 import user_service_pb2 as users
from tests.crashpoints.callers import PATIENCE, PAUSE, Callers
from tests.crashpoints.customer import EUR, Customer

LIMITS = (600, 650)
"""In EUR, one after the other: more than all the orders that are not too dear, and less than the
one that is."""
PRICES = (15, 20)
PIECES = (10, -1, -2, 5)


class Errands:
    """Done beside the orders of one customer, who is registered."""

    def __init__(self, callers: Callers, customer: Customer) -> None:
        self._callers = callers
        self._me = customer

    async def run(self) -> None:
        """Do all of them, side by side."""
        await asyncio.gather(self._set_limit(), self._price(), self._stock(), self._read())

    async def _set_limit(self) -> None:
        for limit in LIMITS:
            request = users.SetCreditLimitRequest(
                name=f"users/{self._me.id}", credit_limit=_euros(limit), request_id=_fresh()
            )
            await self._operator(self._callers.users.SetCreditLimit, request)
            self._me.limits.append(limit * EUR)

    async def _price(self) -> None:
        """Make a product, then change it as it was told to be: who has changed it already without
        knowing must be answered, not told that it is another by now."""
        etag = ""
        for price in PRICES:
            product = orders.Product(
                name=f"products/{self._me.sku}", price=_euros(price), etag=etag
            )
            request = orders.UpdateProductRequest(
                product=product, allow_missing=not etag, request_id=_fresh()
            )
            made = await self._operator(self._callers.orders.UpdateProduct, request)
            etag = made.etag
            self._me.prices.append(price * EUR)

    async def _stock(self) -> None:
        """The first by itself, the others as a stream."""
        first, *others = [(f"{self._me.sku}-{at}", delta) for at, delta in enumerate(PIECES)]
        request = events.PublishEventRequest(event=self._event(*first), request_id=_fresh())
        api = self._callers.events
        made = await self._callers.ask(api.PublishEvent, request, "shop", "publisher")
        requests = [
            events.PublishEventsRequest(sequence=at, event=self._event(*one))
            for at, one in enumerate(others, 1)
        ]
        await self._callers.publish(requests, "shop")
        self._me.published += [
            (made.name.removeprefix("events/"), first[1]),
            *((event_id_of(self._me.source, name), delta) for name, delta in others),
        ]

    def _event(self, name: str, delta: int) -> Event:
        data = AnyMessage()
        data.Pack(StockAdjusted(sku=self._me.sku, delta=delta))
        return Event(name=f"events/{name}", source=self._me.source, data=data)

    async def _read(self) -> None:
        """Mark the first notification read, and once more: it is read since the first time."""
        name = await self._first_notification()
        for _ in range(2):
            request = notifications.MarkNotificationReadRequest(name=name, request_id=_fresh())
            api = self._callers.notifications
            read = await self._callers.ask(
                api.MarkNotificationRead, request, self._me.id, "customer"
            )
            self._me.read.append((name, _time(read)))

    async def _first_notification(self) -> str:
        request = notifications.ListNotificationsRequest(page_size=1)
        api = self._callers.notifications
        async with asyncio.timeout(PATIENCE):
            while True:
                page = await self._callers.ask(
                    api.ListNotifications, request, self._me.id, "customer"
                )
                if page.notifications:
                    return str(page.notifications[0].name)
                await asyncio.sleep(PAUSE)

    async def _operator(self, method: Callable[..., Awaitable[Any]], request: Message) -> Any:
        return await self._callers.ask(method, request, "oscar", "operator")


def _fresh() -> str:
    return str(uuid.uuid4())


def _euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


def _time(notification: notifications.Notification) -> datetime:
    return notification.read_time.ToDatetime(tzinfo=UTC)
