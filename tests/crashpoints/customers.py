"""Customers who live through the whole choreography, and ask again until they are answered."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from causeway.notifications.v1 import notification_service_pb2 as notifications
from causeway.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from causeway.users.v1 import user_service_pb2 as users
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from tests.unit.server.conftest import Issuer

AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
CALL_SECONDS = 10.0
PATIENCE = 90.0
"""Seconds for one answer, however many tries it takes."""
State = orders.Order.State


@dataclass
class Placed:
    """An order, the state that it must end in, and whether its credit stays reserved."""

    name: str
    total: int
    end: int
    holds: bool


@dataclass
class Customer:
    """Who it is, and what the platform has promised to it by its answers."""

    username: str
    id: str = ""
    orders: list[Placed] = field(default_factory=list)

    @property
    def first_address(self) -> str:
        """Where its mails go until it moves, and may go while it does."""
        return f"{self.username}@example.org"

    @property
    def last_address(self) -> str:
        """Where it is in the end."""
        return f"{self.username}@example.net"


class Callers:
    """The way to the APIs, whichever of their lives answers."""

    def __init__(self, ports: Mapping[str, int], issuer: Issuer) -> None:
        options = [
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 300),
        ]
        self._channels = [
            grpc.aio.insecure_channel(f"127.0.0.1:{ports[f'{one}-api']}", options)
            for one in ("users", "orders", "notifications")
        ]
        users_api, orders_api, notifications_api = self._channels
        self.users = UserServiceStub(users_api)
        self.orders = OrderServiceStub(orders_api)
        self.notifications = NotificationServiceStub(notifications_api)
        self._issuer = issuer

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def ask(
        self,
        method: Callable[..., Awaitable[Any]],
        request: Message,
        user: str = "",
        role: str = "",
    ) -> Any:
        """Ask with the same request until there is an answer. Any other refusal is an error."""
        headers: tuple[tuple[str, str], ...] = ()
        if role:
            token = self._issuer.token(role, sub=user)
            headers = (("authorization", f"Bearer {token}"),)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await method(request, metadata=headers, timeout=CALL_SECONDS)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in AGAIN:
                        raise
                await asyncio.sleep(0.1)


class Life:
    """One customer's way through everything that the choreography has."""

    def __init__(self, callers: Callers, customer: Customer, hooks: str) -> None:
        """`hooks` is where webhooks go, an address without a path."""
        self._callers = callers
        self._hooks = hooks
        self._me = customer

    async def run(self) -> None:
        """Register, with a webhook; one order that stays confirmed, one delivered, one that is too
        dear, one cancelled before and one after its credit is reserved; move, and be let go."""
        await self._register()
        await self._prefer()
        await asyncio.gather(
            self._keep(), self._get(), self._want_too_much(), self._regret(), self._give_back()
        )
        await self._move()
        await self._leave()

    async def _register(self) -> None:
        request = users.RegisterUserRequest(
            username=self._me.username,
            email=self._me.first_address,
            display_name="Ann",
            password=uuid.uuid4().hex,
            request_id=str(uuid.uuid4()),
        )
        user = await self._callers.ask(self._callers.users.RegisterUser, request)
        self._me.id = user.name.removeprefix("users/")

    async def _prefer(self) -> None:
        wanted = notifications.Preferences(
            webhook_uri=f"{self._hooks}/{self._me.username}", webhook_secret=uuid.uuid4().hex
        )
        request = notifications.UpdatePreferencesRequest(
            preferences=wanted, request_id=str(uuid.uuid4())
        )
        await self._asked(self._callers.notifications.UpdatePreferences, request)

    async def _move(self) -> None:
        request = users.UpdateUserRequest(
            user=users.User(name=f"users/{self._me.id}", email=self._me.last_address),
            update_mask=FieldMask(paths=["email"]),
            request_id=str(uuid.uuid4()),
        )
        await self._asked(self._callers.users.UpdateUser, request)

    async def _leave(self) -> None:
        request = users.DeactivateUserRequest(
            name=f"users/{self._me.id}", reason="done", request_id=str(uuid.uuid4())
        )
        await self._callers.ask(self._callers.users.DeactivateUser, request, "oscar", "operator")

    async def _keep(self) -> None:
        order = await self._place("book", 1, State.STATE_CONFIRMED, holds=True)
        await self._reached(order, State.STATE_CONFIRMED)

    async def _get(self) -> None:
        order = await self._place("lamp", 1, State.STATE_DELIVERED, holds=True)
        await self._reached(order, State.STATE_CONFIRMED)
        api = self._callers.orders
        for method, kind in (
            (api.ShipOrder, orders.ShipOrderRequest),
            (api.DeliverOrder, orders.DeliverOrderRequest),
        ):
            request = kind(name=order.name, request_id=str(uuid.uuid4()))
            await self._callers.ask(method, request, "oscar", "operator")
        await self._reached(order, State.STATE_DELIVERED)

    async def _want_too_much(self) -> None:
        order = await self._place("desk", 3, State.STATE_REJECTED, holds=False)
        await self._reached(order, State.STATE_REJECTED)

    async def _regret(self) -> None:
        """Cancelled at once: the reservation comes later, and must be released."""
        await self._cancel(await self._place("lamp", 1, State.STATE_CANCELLED, holds=False))

    async def _give_back(self) -> None:
        order = await self._place("desk", 1, State.STATE_CANCELLED, holds=False)
        await self._reached(order, State.STATE_CONFIRMED)
        await self._cancel(order)

    async def _cancel(self, order: Placed) -> None:
        request = orders.CancelOrderRequest(name=order.name, request_id=str(uuid.uuid4()))
        await self._asked(self._callers.orders.CancelOrder, request)
        await self._reached(order, State.STATE_CANCELLED)

    async def _place(self, sku: str, quantity: int, end: int, holds: bool) -> Placed:
        items = [orders.Order.Item(sku=sku, quantity=quantity)]
        request = orders.CreateOrderRequest(
            order=orders.Order(items=items), request_id=str(uuid.uuid4())
        )
        made = await self._asked(self._callers.orders.CreateOrder, request)
        total = made.total.units * 1_000_000_000 + made.total.nanos
        self._me.orders.append(Placed(made.name, total, end, holds))
        return self._me.orders[-1]

    async def _reached(self, order: Placed, state: int) -> None:
        request = orders.GetOrderRequest(name=order.name)
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self._asked(self._callers.orders.GetOrder, request)
                if found.state == state:
                    return
                await asyncio.sleep(0.1)

    async def _asked(self, method: Callable[..., Awaitable[Any]], request: Message) -> Any:
        return await self._callers.ask(method, request, self._me.id, "customer")
