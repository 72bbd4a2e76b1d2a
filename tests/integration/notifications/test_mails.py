"""From an event to a mail, on a real PostgreSQL, the bridge's sender and a real SMTP server."""

import asyncio
import socket
from contextlib import AbstractAsyncContextManager
from email.headerregistry import Address
from email.message import EmailMessage

import pytest

from bridge.effects.deliveries import Effect
from bridge.errors import Unavailable
from causeway.orders.v1.events_pb2 import OrderShipped
from causeway.users.v1.events_pb2 import UserUpdated
from services.notifications import handlers
from services.notifications.mailer import Mailer
from services.notifications.mailer import MailServer as Destination
from services.notifications.notification_table import State
from services.notifications.preference_table import Preference
from tests.integration.notifications.customer import Customer, ended, until
from tests.integration.notifications.mailserver import MailServer

SENDER = Address("Causeway", addr_spec="no-reply@causeway.example")


def mailer(customer: Customer, port: int) -> Effect:
    return Mailer(customer.pool, Destination("127.0.0.1", port), SENDER).deliver


def sending(customer: Customer, port: int) -> AbstractAsyncContextManager[None]:
    return customer.sending(handlers.EMAIL, mailer(customer, port))


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_a_new_user_and_its_confirmed_order_each_get_a_mail_and_an_event(
    customer: Customer, mailserver: MailServer
) -> None:
    registered = await customer.registered()
    confirmed = await customer.confirmed("o1")
    async with sending(customer, mailserver.port):
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
    async with sending(customer, mailserver.port):
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
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    assert mailserver.recipients == [new]
    assert "Hello Anna," in text_of(mailserver.mails[0])


async def test_who_has_no_name_any_more_is_addressed_by_what_its_address_begins_with(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered()
    updated = UserUpdated(user_id=customer.id, email="anna@example.org")
    await customer.handle(updated, customer.name)
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    assert "Hello anna," in text_of(mailserver.mails[0])


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
    async with sending(customer, mailserver.port):
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
    async with sending(customer, mailserver.port):
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
    async with sending(customer, mailserver.port):
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
        async with sending(customer, taken.getsockname()[1]):
            await asyncio.sleep(0.5)
    assert not await ended(customer)
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    assert len(mailserver.mails) == 1


async def test_a_mail_sent_again_after_a_crash_is_the_same_mail_and_one_event(
    customer: Customer, mailserver: MailServer
) -> None:
    event = await customer.registered()
    await customer.dies_sending(handlers.EMAIL, mailer(customer, mailserver.port))
    async with sending(customer, mailserver.port):
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
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    assert mailserver.recipients == [f"{customer.id}@example.org"] * 2
    assert all("Bcc" not in mail for mail in mailserver.mails)


async def test_who_switched_mails_off_gets_none_and_sees_what_there_is(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered()
    await customer.prefers(Preference(email_disabled=True, version=1))
    event = await customer.confirmed("o1")
    await customer.again(event)
    about_order, welcome = await customer.notifications()
    assert (about_order.channel, about_order.state) == (handlers.IN_APP, State.SENT)
    assert about_order.send_time is None
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    # The welcome was on its way when they were switched off.
    assert mailserver.mails == []
    assert (await customer.outcome(welcome)).message.reason == "CHANNEL_OFF"


async def test_a_mail_is_text_and_html_and_tells_no_name_that_is_more_than_a_name(
    customer: Customer, mailserver: MailServer
) -> None:
    await customer.registered(display_name="<script>https://evil.example</script>")
    async with sending(customer, mailserver.port):
        await until(lambda: ended(customer))
    (mail,) = mailserver.mails
    assert mail.get_content_type() == "multipart/alternative"
    page = mail.get_body(("html",))
    assert page is not None
    assert "<p>Hello " + customer.id in page.get_content()
    assert f"Hello {customer.id}," in text_of(mail)
    assert "evil" not in mail.as_string() + page.get_content() + text_of(mail)
