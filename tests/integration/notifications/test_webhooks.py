"""From an event to a signed post, on a real PostgreSQL, the bridge's sender and a real server."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from bridge.effects.deliveries import Effect
from bridge.effects.sender import Pace
from services.notifications import handlers
from services.notifications.notification_table import Notification, State
from services.notifications.preference_table import Preference
from services.notifications.webhook import PACE, Webhook
from services.notifications.webhook_allowed import Allowed
from services.notifications.webhook_names import resolver
from services.notifications.webhook_post import Poster
from tests.integration.notifications.customer import QUICK, Customer, ended, until
from tests.integration.notifications.hookserver import HANG, RESET, HookServer, Post, running

SECRET = "a secret of sixteen bytes or more"
LOOPBACK = Allowed(networks=((ip_network("127.0.0.1"), range(1, 65536)),))
"""Servers of tests take any free port."""


@pytest.fixture
async def hooks() -> AsyncIterator[HookServer]:
    async with running() as server:
        yield server


@pytest.fixture
async def listener(customer: Customer, hooks: HookServer) -> Customer:
    """A customer who has a webhook alone, and has had its welcome."""
    await customer.registered()
    await customer.pool.execute("DELETE FROM notifications WHERE recipient = $1", customer.name)
    await customer.pool.execute("DELETE FROM bridge.deliveries WHERE recipient = $1", customer.name)
    await customer.prefers(hooked(hooks.uri))
    return customer


def hooked(uri: str) -> Preference:
    return Preference(email_disabled=True, webhook_uri=uri, webhook_secret=SECRET, version=1)


def webhook(customer: Customer, timeout: float = 15, allowed: Allowed = LOOPBACK) -> Effect:
    names = resolver(ThreadPoolExecutor(1))
    poster = Poster(names, allowed, ssl.create_default_context(), timeout)
    return Webhook(customer.pool, poster, time.time).deliver


async def posted(customer: Customer, effect: Effect, pace: Pace = QUICK) -> Notification:
    """Send until all is ended; the customer's one notification."""
    async with customer.sending(handlers.WEBHOOK, effect, pace):
        await until(lambda: ended(customer))
    (notification,) = await customer.notifications()
    return notification


def verified(post: Post) -> dict[str, Any]:
    """What the post says, once its signature holds; not by the code that signed it."""
    message_id, timestamp = post.headers["webhook-id"], post.headers["webhook-timestamp"]
    assert abs(time.time() - int(timestamp)) < 60
    content = message_id.encode() + b"." + timestamp.encode() + b"." + post.body
    digest = hmac.digest(SECRET.encode(), content, hashlib.sha256)
    assert post.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    said: dict[str, Any] = json.loads(post.body)
    assert said["id"] == message_id
    return said


async def test_a_confirmed_order_is_posted_signed_and_is_one_event(
    listener: Customer, hooks: HookServer
) -> None:
    event = await listener.confirmed("o1")
    notification = await posted(listener, webhook(listener))
    assert (notification.channel, notification.state) == ("webhook", State.SENT)
    (post,) = hooks.posts
    assert post.line == "POST /hooks?a=b HTTP/1.1"
    assert post.headers["content-type"] == "application/json"
    assert verified(post) == {
        "id": event.id,
        "type": "causeway.orders.v1.OrderConfirmed",
        "time": event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "subject": "orders/o1",
        "notification": f"notifications/{notification.id}",
        "title": "Your order is confirmed: orders/o1",
        "text": notification.body,
    }
    outcome = await listener.outcome(notification)
    assert outcome.type == "causeway.notifications.v1.NotificationSent"
    assert (outcome.message.channel, outcome.message.attempts) == ("webhook", 1)
    assert outcome.message.cause_event_id == event.id
    assert outcome.origin.causation_id == event.id


async def test_each_channel_that_is_on_has_a_notification_of_its_own(
    listener: Customer, hooks: HookServer
) -> None:
    await listener.prefers(replace(hooked(hooks.uri), email_disabled=False))
    event = await listener.confirmed("o1")
    await listener.again(event)
    both = await listener.notifications()
    assert sorted(one.channel for one in both) == ["email", "webhook"]
    assert len({one.id for one in both}) == 2
    assert {one.cause_event_id for one in both} == {event.id}
    count = "SELECT count(*) FROM bridge.deliveries WHERE event_id = $1"
    assert await listener.pool.fetchval(count, event.id) == 2


async def test_a_server_that_fails_is_tried_again_with_the_same_id(
    listener: Customer, hooks: HookServer
) -> None:
    hooks.answers += ["500", RESET, HANG, "429", "200"]
    event = await listener.confirmed("o1")
    notification = await posted(listener, webhook(listener, timeout=1))
    assert notification.state is State.SENT
    assert [verified(post)["id"] for post in hooks.posts] == [event.id] * 5
    assert len({post.body for post in hooks.posts}) == 1
    assert (await listener.outcome(notification)).message.attempts == 5


@pytest.mark.parametrize("answer", ["410", "302\nlocation: http://127.0.0.1:1/"])
async def test_a_refusal_and_a_redirect_are_the_end(
    listener: Customer, hooks: HookServer, answer: str
) -> None:
    hooks.answers.append(answer)
    await listener.confirmed("o1")
    notification = await posted(listener, webhook(listener))
    assert (notification.state, notification.send_time) == (State.FAILED, None)
    outcome = await listener.outcome(notification)
    assert outcome.type == "causeway.notifications.v1.NotificationFailed"
    assert (outcome.message.reason, outcome.message.attempts) == (f"WEBHOOK_{answer[:3]}", 1)
    assert len(hooks.posts) == 1


async def test_a_server_that_stays_away_is_given_up(listener: Customer, hooks: HookServer) -> None:
    hooks.answers += ["503"] * 9
    await listener.confirmed("o1")
    notification = await posted(listener, webhook(listener), replace(QUICK, attempts=3))
    assert notification.state is State.FAILED
    assert (await listener.outcome(notification)).message.reason == "WEBHOOK_503"
    assert len(hooks.posts) == 3


async def test_a_customer_whose_server_hangs_holds_up_no_other(
    listener: Customer, hooks: HookServer
) -> None:
    async with running() as hanging:
        hanging.answers += [HANG] * 100
        hung = Customer(listener.pool, listener.store)
        await hung.registered()
        await hung.prefers(hooked(hanging.uri))
        for number in range(PACE.at_once + 1):
            await hung.confirmed(f"h{number}")
        await listener.confirmed("o1")
        sender = listener.sender(handlers.WEBHOOK, webhook(listener), pace=PACE)
        sending = asyncio.create_task(sender.run(asyncio.Event()))
        await until(lambda: ended(listener))
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        assert len(hooks.posts) == 1
        assert len(hanging.posts) == PACE.for_one


async def test_an_address_that_is_not_public_is_the_end_and_is_not_reached(
    listener: Customer, hooks: HookServer
) -> None:
    await listener.confirmed("o1")
    notification = await posted(listener, webhook(listener, allowed=Allowed()))
    outcome = await listener.outcome(notification)
    assert outcome.message.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert hooks.posts == []


async def test_address_and_secret_are_those_of_now(listener: Customer, hooks: HookServer) -> None:
    await listener.prefers(hooked("http://127.0.0.1:1/old"))
    await listener.confirmed("o1")
    await listener.prefers(hooked(hooks.uri))
    assert (await posted(listener, webhook(listener))).state is State.SENT
    await listener.confirmed("o2")
    await listener.prefers(Preference(version=3))
    async with listener.sending(handlers.WEBHOOK, webhook(listener)):
        await until(lambda: ended(listener))
    switched_off = (await listener.notifications())[0]
    assert (await listener.outcome(switched_off)).message.reason == "CHANNEL_OFF"
    assert len(hooks.posts) == 1


async def test_a_post_sent_again_after_a_crash_has_the_same_id_and_is_one_event(
    listener: Customer, hooks: HookServer
) -> None:
    event = await listener.confirmed("o1")
    await listener.dies_sending(handlers.WEBHOOK, webhook(listener))
    notification = await posted(listener, webhook(listener))
    assert [verified(post)["id"] for post in hooks.posts] == [event.id] * 2
    assert (await listener.outcome(notification)).message.attempts == 2


async def test_a_replay_posts_again_only_when_it_was_asked_to_and_adds_no_notification(
    listener: Customer, hooks: HookServer
) -> None:
    event = await listener.confirmed("o1")
    await posted(listener, webhook(listener))
    for asked in (frozenset[str](), frozenset({"email"}), frozenset({"webhook"})):
        await listener.again(event, asked)

    async def posted_again() -> bool:
        return len(hooks.posts) >= 2

    async with listener.sending(handlers.WEBHOOK, webhook(listener)):
        await until(posted_again)
    assert [verified(post)["id"] for post in hooks.posts] == [event.id] * 2
    assert len(await listener.notifications()) == 1


async def test_a_replay_without_effects_shows_an_event_that_was_not_told_yet(
    listener: Customer,
) -> None:
    event = await listener.confirmed("o1")
    await listener.pool.execute("DELETE FROM notifications WHERE recipient = $1", listener.name)
    await listener.again(event, frozenset())
    (shown,) = await listener.notifications()
    assert (shown.channel, shown.state) == (handlers.IN_APP, State.SENT)
