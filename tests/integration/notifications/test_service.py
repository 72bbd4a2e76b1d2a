"""Who sees which notifications, behind the real server kit, on a real PostgreSQL."""

import uuid

import asyncpg
import grpc
import pytest

from causeway.notifications.v1 import notification_service_pb2 as pb
from client.errors import CallFailed
from tests.integration.notifications.serving import tell
from tests.integration.service_kit import As


async def test_callers_see_their_own_notifications_alone_newest_first_page_by_page(
    call_as: As, pool: asyncpg.Pool
) -> None:
    ann, bob = str(uuid.uuid4()), str(uuid.uuid4())
    for number in range(5):
        await tell(pool, ann, number)
    await tell(pool, bob, 9)
    request = pb.ListNotificationsRequest(page_size=2)
    titles: list[str] = []
    while True:
        page = await call_as(ann).notifications.ListNotifications(request)
        titles += [one.title for one in page.notifications]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert titles == [f"Notification {number}" for number in (4, 3, 2, 1, 0)]
    with pytest.raises(CallFailed) as foreign:
        await call_as(bob).notifications.ListNotifications(request)
    assert foreign.value.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_notification_says_what_it_is_about(call_as: As, pool: asyncpg.Pool) -> None:
    ann = str(uuid.uuid4())
    await tell(pool, ann, 1)
    request = pb.ListNotificationsRequest()
    (one,) = (await call_as(ann).notifications.ListNotifications(request)).notifications
    assert one.name == f"notifications/{ann}-0001"
    assert (one.title, one.text, one.subject) == ("Notification 1", "State: CONFIRMED", "orders/o1")
    assert (one.state, one.channel) == (
        pb.Notification.STATE_PENDING,
        pb.Notification.CHANNEL_EMAIL,
    )
    assert one.cause.startswith("events/")
    assert one.HasField("create_time")
    assert not one.HasField("send_time")


async def test_an_operator_has_no_notifications_and_no_preferences(call_as: As) -> None:
    oscar = call_as(str(uuid.uuid4()), "operator").notifications
    for denied in (
        oscar.ListNotifications(pb.ListNotificationsRequest()),
        oscar.GetPreferences(pb.GetPreferencesRequest()),
    ):
        with pytest.raises(CallFailed) as caught:
            await denied
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
