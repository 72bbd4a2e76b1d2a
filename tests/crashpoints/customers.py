"""Customers who live through the whole choreography, and ask again until they are answered."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from causeway.notifications.v1 import notification_service_pb2 as notifications
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.users.v1 import user_service_pb2 as users
from tests.crashpoints.callers import PATIENCE, Callers
from tests.crashpoints.corner import Corner
from tests.crashpoints.customer import EUR, Customer, Placed, State
from tests.crashpoints.errands import Errands
from tests.crashpoints.leftovers import Leftovers
from tests.crashpoints.replaying import Replaying
from tests.crashpoints.rubbish import Rubbish


class Life:
    """One customer's way through everything that the choreography has."""

    def __init__(self, callers: Callers, customer: Customer, corner: Corner) -> None:
        self._callers = callers
        self._corner = corner
        self._me = customer
        self._leftovers = Leftovers(corner, customer)

    async def run(self) -> None:
        """Register, with a webhook; one order that stays confirmed, one delivered, one that is too
        dear, one cancelled before and one after its credit is reserved, and errands, replays and
        rubbish beside them; move, and be let go."""
        steps = self._leftovers if self._me.forgetful else self
        self._me.id = await steps.register()
        await self._prefer()
        await asyncio.gather(
            self._keep(),
            self._get(),
            self._want_too_much(),
            self._regret(),
            self._give_back(),
            Errands(self._callers, self._me).run(),
            # One replay at a time for all: half of the customers are enough.
            self._leftovers.give_up() if self._me.forgetful else self._replay(),
            Rubbish(self._callers, self._corner, f"rubbish-{self._me.username}").run(),
        )
        await steps.move()
        await steps.leave()

    async def _replay(self) -> None:
        await Replaying(self._callers, self._corner, self._me).run()

    async def register(self) -> str:
        """Give the user's id."""
        request = users.RegisterUserRequest(
            username=self._me.username,
            email=self._me.first_address,
            display_name="Ann",
            password=uuid.uuid4().hex,
            request_id=str(uuid.uuid4()),
        )
        user = await self._callers.ask(self._callers.users.RegisterUser, request)
        return str(user.name).removeprefix("users/")

    async def _prefer(self) -> None:
        """Its server, or another's, will be too busy once."""
        hooks = self._corner.hooks
        hooks.answers.append("503")
        wanted = notifications.Preferences(
            webhook_uri=f"http://127.0.0.1:{hooks.port}/{self._me.username}",
            webhook_secret=uuid.uuid4().hex,
        )
        request = notifications.UpdatePreferencesRequest(
            preferences=wanted, request_id=str(uuid.uuid4())
        )
        await self._asked(self._callers.notifications.UpdatePreferences, request)

    async def move(self) -> None:
        """Change the address."""
        request = users.UpdateUserRequest(
            user=users.User(name=f"users/{self._me.id}", email=self._me.last_address),
            update_mask=FieldMask(paths=["email"]),
            request_id=str(uuid.uuid4()),
        )
        await self._asked(self._callers.users.UpdateUser, request)

    async def leave(self) -> None:
        """An operator deactivates it."""
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
        total = made.total.units * EUR + made.total.nanos
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
