"""Marking notifications as read, behind the real server kit, on a real PostgreSQL."""

import asyncio
import uuid

import asyncpg
import grpc
import pytest

from causeway.notifications.v1 import notification_service_pb2 as pb
from client.errors import CallFailed
from tests.integration.notifications.serving import sent, tell
from tests.integration.service_kit import As


def marking(name: str, request_id: str = "") -> pb.MarkNotificationReadRequest:
    return pb.MarkNotificationReadRequest(name=name, request_id=request_id)


async def test_a_notification_is_read_since_the_first_mark(call_as: As, pool: asyncpg.Pool) -> None:
    user = str(uuid.uuid4())
    notification = await tell(pool, user)
    ann = call_as(user).notifications
    first = await ann.MarkNotificationRead(marking(f"notifications/{notification.id}"))
    again = await ann.MarkNotificationRead(marking(f"notifications/{notification.id}"))
    assert first.HasField("read_time")
    assert again == first
    (listed,) = (await ann.ListNotifications(pb.ListNotificationsRequest())).notifications
    assert listed == first


async def test_a_mark_that_is_sent_twice_at_once_is_one_and_shows_what_is_now(
    call_as: As, pool: asyncpg.Pool
) -> None:
    user = str(uuid.uuid4())
    notification = await tell(pool, user)
    ann = call_as(user).notifications
    request = marking(f"notifications/{notification.id}", str(uuid.uuid4()))
    first, second = await asyncio.gather(*(ann.MarkNotificationRead(request) for _ in range(2)))
    assert first == second
    await sent(pool, notification)
    later = await ann.MarkNotificationRead(request)
    assert (later.state, later.read_time) == (pb.Notification.STATE_SENT, first.read_time)


async def test_a_request_id_is_good_for_one_notification(call_as: As, pool: asyncpg.Pool) -> None:
    user, request_id = str(uuid.uuid4()), str(uuid.uuid4())
    one, other = await tell(pool, user, 1), await tell(pool, user, 2)
    ann = call_as(user).notifications
    await ann.MarkNotificationRead(marking(f"notifications/{one.id}", request_id))
    with pytest.raises(CallFailed) as caught:
        await ann.MarkNotificationRead(marking(f"notifications/{other.id}", request_id))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_a_strangers_notification_is_answered_as_a_missing_one_and_stays_unread(
    call_as: As, pool: asyncpg.Pool
) -> None:
    ann, bob = str(uuid.uuid4()), str(uuid.uuid4())
    anns = f"notifications/{(await tell(pool, ann)).id}"
    missing = f"notifications/{uuid.uuid4()}"
    said = []
    for name in (anns, missing):
        with pytest.raises(CallFailed) as caught:
            await call_as(bob).notifications.MarkNotificationRead(marking(name, str(uuid.uuid4())))
        assert caught.value.code is grpc.StatusCode.NOT_FOUND
        said.append(str(caught.value.message).replace(name, "NAME"))
    assert said[0] == said[1]
    request = pb.ListNotificationsRequest()
    (unread,) = (await call_as(ann).notifications.ListNotifications(request)).notifications
    assert not unread.HasField("read_time")
