"""A user of a test's own, and the sender that the worker would run."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from bridge.effects.deliveries import Delivery, Effect, Outcome, Result
from bridge.effects.sender import Pace, Sender
from bridge.events.event import Event, caused_by
from bridge.handling import Handling
from bridge.store.event_store import EventStore
from causeway.orders.v1.events_pb2 import OrderConfirmed
from causeway.users.v1.events_pb2 import UserRegistered
from services.notifications import handlers, notification_table, preference_table
from services.notifications.notification_table import Notification, State
from services.notifications.outcomes import record_to
from services.notifications.preference_table import Preference
from tests.integration.events import event_of

QUICK = Pace(poll=0.05, first_pause=0.1, longest_pause=0.1)


class Customer:
    """A user of the test's own, whose events the handlers get."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self.pool, self.store = pool, store
        self.id = str(uuid.uuid4())
        self.name = f"users/{self.id}"

    async def registered(self, display_name: str = "Ann", email: str = "") -> Event:
        message = UserRegistered(
            user_id=self.id,
            username="ann",
            display_name=display_name,
            email=email or f"{self.id}@example.org",
            credit_limit=Money(currency_code="EUR", units=500),
        )
        return await self.handle(message, self.name)

    async def confirmed(self, order: str) -> Event:
        total = Money(currency_code="EUR", units=12, nanos=500_000_000)
        message = OrderConfirmed(order_id=order, customer=self.name, total=total)
        return await self.handle(message, f"orders/{order}")

    async def handle(self, message: Message, stream: str) -> Event:
        event = event_of(message, stream)
        await self.again(event)
        return event

    async def again(self, event: Event, effects: frozenset[str] | None = None) -> None:
        handler = {**handlers.CUSTOMERS, **handlers.ORDERS}[type(event.message)]
        async with self.pool.acquire() as connection, connection.transaction():
            await handler(Handling(event, connection, caused_by(event), effects=effects))

    async def notifications(self) -> list[Notification]:
        async with self.pool.acquire() as connection:
            return list(await notification_table.page(connection, self.name, None, 100))

    async def outcome(self, notification: Notification) -> Any:
        """The one event on the notification's stream."""
        async with self.pool.acquire() as connection:
            (event,) = await self.store.load(connection, f"notifications/{notification.id}")
        return event

    async def prefers(self, preference: Preference) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await preference_table.save(connection, self.id, preference)

    def sender(
        self, channel: str, effect: Effect, outcome: Outcome | None = None, pace: Pace = QUICK
    ) -> Sender:
        return Sender(self.pool, {channel: effect}, outcome or record_to(self.store), pace)

    @asynccontextmanager
    async def sending(
        self, channel: str, effect: Effect, pace: Pace = QUICK
    ) -> AsyncIterator[None]:
        """Run the sender meanwhile."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.sender(channel, effect, pace=pace).run(stop))
        yield
        stop.set()
        await running

    async def dies_sending(self, channel: str, effect: Effect) -> None:
        """Run a sender that dies between the receiver's yes and the commit; its lease lapses."""
        record, recorded = record_to(self.store), asyncio.Event()

        async def dying(delivery: Delivery, result: Result, connection: Any) -> None:
            await record(delivery, result, connection)
            recorded.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(self.sender(channel, effect, dying).run(asyncio.Event()))
        await recorded.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert not await ended(self)
        await self.pool.execute("UPDATE bridge.deliveries SET due_time = now()")


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.05)


async def ended(customer: Customer) -> bool:
    return all(one.state is not State.PENDING for one in await customer.notifications())
