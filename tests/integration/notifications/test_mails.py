"""From an event to a mail, on a real PostgreSQL, the bridge's sender and a real SMTP server."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from bridge.effects.deliveries import Delivery, Outcome, Result
from bridge.effects.sender import Pace, Sender
from bridge.errors import Unavailable
from bridge.events.event import Event, Origin, caused_by
from bridge.handling import Handling
from bridge.store.event_store import EventStore
from causeway.orders.v1.events_pb2 import OrderConfirmed, OrderShipped
from causeway.users.v1.events_pb2 import UserRegistered, UserUpdated
from services.notifications import handlers, notification_table
from services.notifications.mailer import Mailer
from services.notifications.mailer import MailServer as Destination
from services.notifications.notification_table import Notification, State
from services.notifications.outcomes import record_to
from tests.integration.notifications.mailserver import MailServer

SENDER = Address("Causeway", addr_spec="no-reply@causeway.example")
QUICK = Pace(poll=0.05, first_pause=0.1, longest_pause=0.1)


def event_of(message: Message, stream: str) -> Event:
    return Event(
        id=str(uuid.uuid4()),
        type=message.DESCRIPTOR.full_name,
        source="/causeway/any",
        stream=stream,
        version=1,
        key=stream.partition("/")[2],
        time=datetime.now(UTC),
        message=message,
        origin=Origin(actor="ann", correlation_id="c1"),
    )


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

    def sender(self, port: int, outcome: Outcome) -> Sender:
        """The sender of the worker."""
        mailer = Mailer(self.pool, Destination("127.0.0.1", port), SENDER)
        return Sender(self.pool, {handlers.EMAIL: mailer.deliver}, outcome, QUICK)

    @asynccontextmanager
    async def sending(self, port: int) -> AsyncIterator[None]:
        """Run the sender meanwhile."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.sender(port, record_to(self.store)).run(stop))
        yield
        stop.set()
        await running


@pytest.fixture
async def customer(pool: asyncpg.Pool, store: EventStore) -> AsyncIterator[Customer]:
    yield Customer(pool, store)
    # What a test left unsent must not reach the mail server of the next one.
    await pool.execute("DELETE FROM bridge.deliveries WHERE state = 'pending'")


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.05)


async def ended(customer: Customer) -> bool:
    return all(one.state is not State.PENDING for one in await customer.notifications())


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_a_new_user_and_its_confirmed_order_each_get_a_mail_and_an_event(
    customer: Customer, mailserver: MailServer
) -> None:
    registered = await customer.registered()
    confirmed = await customer.confirmed("o1")
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    mails = {str(mail["Message-ID"]): mail for mail in mailserver.mails}
    assert set(mails) == {f"<{e.id}@causeway.example>" for e in (registered, confirmed)}
    text = text_of(mails[f"<{confirmed.id}@causeway.example>"])
    assert "Order: orders/o1" in text
    assert "State: CONFIRMED" in text
    assert "12.50 EUR" in text
    assert mailserver.recipients == [f"{customer.id}@example.org"] * 2
    about_order, welcome = await customer.notifications()
    assert (about_order.state, about_order.subject) == (State.SENT, "orders/o1")
    outcome = await customer.outcome(about_order)
    assert outcome.type == "causeway.notifications.v1.NotificationSent"
    assert outcome.message.cause_event_id == confirmed.id
    assert outcome.message.recipient == customer.name
    assert outcome.message.attempts == 1
    assert outcome.origin.causation_id == confirmed.id
    assert outcome.origin.correlation_id == "c1"
    assert about_order.send_time == outcome.time
    assert welcome.title == "Welcome to Causeway"


async def test_a_redelivery_sends_the_same_mail_again_only_when_it_was_asked_to(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered()
    confirmed = await customer.confirmed("o1")
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
        await customer.again(confirmed, frozenset())
        await customer.again(confirmed, frozenset({handlers.EMAIL}))

        async def sent_again() -> bool:
            return len(mailserver.mails) >= 3

        await until(sent_again)
    ids = [str(mail["Message-ID"]) for mail in mailserver.mails]
    assert ids.count(f"<{confirmed.id}@causeway.example>") == 2
    assert len(ids) == 3
    about_order, _ = await customer.notifications()
    assert about_order.state is State.SENT
    async with customer.pool.acquire() as connection:
        outcomes = await customer.store.load(connection, f"notifications/{about_order.id}")
    assert [outcome.version for outcome in outcomes] == [1, 2]


async def test_an_unknown_recipient_is_waited_for(customer: Customer) -> None:
    with pytest.raises(Unavailable) as early:
        await customer.confirmed("o1")
    assert early.value.retriable
    assert await customer.notifications() == []
    await customer.registered()
    await customer.confirmed("o1")
    assert len(await customer.notifications()) == 2


async def test_an_event_that_comes_twice_is_told_once(customer: Customer) -> None:
    event = await customer.registered()
    await customer.again(event)
    assert len(await customer.notifications()) == 1
    count = "SELECT count(*) FROM bridge.deliveries WHERE event_id = $1"
    assert await customer.pool.fetchval(count, event.id) == 1


async def test_a_mail_goes_to_the_address_of_now(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered()
    new = f"new-{customer.id}@example.org"
    updated = UserUpdated(user_id=customer.id, display_name="Anna", email=new)
    await customer.handle(updated, customer.name)
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    assert mailserver.recipients == [new]
    assert "Hello Anna," in text_of(mailserver.mails[0])


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ({"rcpt_reply": "550 no such user: ann@example.org"}, "SMTP_550"),
        ({"data_reply": "554 looks like spam"}, "SMTP_554"),
    ],
)
async def test_a_mail_that_is_refused_for_good_failed_and_is_not_tried_again(
    customer: Customer, mailserver: MailServer, replies: dict[str, str], reason: str
) -> None:
    vars(mailserver).update(replies)
    await customer.registered()
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    (notification,) = await customer.notifications()
    assert (notification.state, notification.send_time) == (State.FAILED, None)
    outcome = await customer.outcome(notification)
    assert outcome.type == "causeway.notifications.v1.NotificationFailed"
    assert (outcome.message.reason, outcome.message.attempts) == (reason, 1)
    row = await customer.pool.fetchrow(
        "SELECT state, last_error FROM bridge.deliveries WHERE recipient = $1", customer.name
    )
    assert row is not None
    assert tuple(row) == ("failed", reason)


async def test_an_address_that_no_mail_can_carry_failed(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered(email="ann@example.org\r\nBcc: all@example.org")
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    (notification,) = await customer.notifications()
    assert notification.state is State.FAILED
    assert mailserver.recipients == []


@pytest.mark.parametrize("replies", [{"rcpt_reply": "451 later"}, {"data_reply": "452 full"}])
async def test_a_mail_that_is_refused_for_now_is_tried_again_until_it_is_taken(
    customer: Customer, mailserver: MailServer, replies: dict[str, str]
) -> None:
    vars(mailserver).update(replies)
    await customer.registered()
    async with customer.sending(mailserver.port):
        await asyncio.sleep(0.5)
        assert not await ended(customer)
        vars(mailserver).update(dict.fromkeys(replies, ""))
        await until(lambda: ended(customer))
    (notification,) = await customer.notifications()
    assert notification.state is State.SENT
    assert (await customer.outcome(notification)).message.attempts > 1


async def test_while_the_mail_server_is_away_nothing_fails(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        async with customer.sending(taken.getsockname()[1]):
            await asyncio.sleep(0.5)
    assert not await ended(customer)
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    assert len(mailserver.mails) == 1


async def test_a_mail_sent_again_after_a_crash_is_the_same_mail_and_one_event(
    customer: Customer, mailserver: MailServer
) -> None:
    record, recorded = record_to(customer.store), asyncio.Event()

    async def dying(delivery: Delivery, result: Result, connection: Any) -> None:
        await record(delivery, result, connection)
        recorded.set()
        await asyncio.Event().wait()  # between the mail server's yes and the commit

    event = await customer.registered()
    sender = asyncio.create_task(customer.sender(mailserver.port, dying).run(asyncio.Event()))
    await recorded.wait()
    sender.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sender
    assert not await ended(customer)
    await customer.pool.execute("UPDATE bridge.deliveries SET due_time = now()")  # the lease lapses
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    assert len(mailserver.mails) == 2
    assert {str(mail["Message-ID"]) for mail in mailserver.mails} == {
        f"<{event.id}@causeway.example>"
    }
    (notification,) = await customer.notifications()
    assert (await customer.outcome(notification)).message.attempts == 2


async def test_a_name_commands_no_mail_server(customer: Customer, mailserver: MailServer) -> None:
    name = "Ann\r\nBcc: all@example.org\r\n.\r\nMAIL FROM:<x@y.z>"
    await customer.registered(display_name=name)
    shipped = OrderShipped(order_id="o1", customer=customer.name)
    await customer.handle(shipped, "orders/o1")
    async with customer.sending(mailserver.port):
        await until(lambda: ended(customer))
    assert mailserver.recipients == [f"{customer.id}@example.org"] * 2
    assert all("Bcc" not in mail for mail in mailserver.mails)
