"""Customers who live through the whole choreography, and ask again until they are answered."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

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


class Callers:
    """The way to the APIs, whichever of their lives answers."""

    def __init__(self, users_at: str, orders_at: str, issuer: Issuer) -> None:
        options = [
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 300),
        ]
        self._channels = [grpc.aio.insecure_channel(at, options) for at in (users_at, orders_at)]
        self.users = UserServiceStub(self._channels[0])
        self.orders = OrderServiceStub(self._channels[1])
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

    def __init__(self, callers: Callers, customer: Customer) -> None:
        self._callers = callers
        self._me = customer

    async def run(self) -> None:
        """Register; one order that stays confirmed, one delivered, one that is too dear, one
        cancelled before and one after its credit is reserved."""
        await self._register()
        await asyncio.gather(
            self._keep(), self._get(), self._want_too_much(), self._regret(), self._give_back()
        )

    async def _register(self) -> None:
        request = users.RegisterUserRequest(
            username=self._me.username,
            email=f"{self._me.username}@example.org",
            display_name="Ann",
            password=uuid.uuid4().hex,
            request_id=str(uuid.uuid4()),
        )
        user = await self._callers.ask(self._callers.users.RegisterUser, request)
        self._me.id = user.name.removeprefix("users/")

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
