"""NotificationService behind the real server kit, on a real PostgreSQL."""

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg
import grpc
import pytest
from pydantic import SecretStr

from bridge.outages import translate
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.notifications.v1 import notification_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.notifications import notification_table
from services.notifications.bootstrap import servicers
from services.notifications.notification_table import Notification, State
from tests.unit.server.conftest import ISSUER, Issuer

As: TypeAlias = Callable[..., Platform]


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().serving() as issuer:
        yield issuer


@pytest.fixture
async def server(pool: asyncpg.Pool, issuer: Issuer) -> AsyncIterator[Server]:
    settings = ServerSettings(
        issuer=ISSUER,
        jwks=issuer.url,
        clients=("causeway-cli",),
        signing_key=SecretStr("0123456789abcdef"),
        drain_delay=0,
        drain_grace=3,
    )
    server = Server(servicers(pool, settings), settings, translate=translate)
    await server.start("127.0.0.1:0")
    yield server
    await server.drain()


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    """A client of this user; a customer unless other roles are given."""
    opened: list[Platform] = []

    def connect(user: str, *roles: str) -> Platform:
        token = issuer.token(*(roles or ("customer",)), sub=user)

        async def source() -> str:
            return token

        opened.append(Platform(f"127.0.0.1:{server.port}", source))
        return opened[-1]

    yield connect
    for one in opened:
        await one.channel.close()


async def tell(pool: asyncpg.Pool, user: str, number: int) -> None:
    async with pool.acquire() as connection:
        notification = Notification(
            id=f"{user}-{number}",
            recipient=f"users/{user}",
            channel="email",
            title=f"Notification {number}",
            body="State: CONFIRMED",
            state=State.PENDING,
            cause_event_id=str(uuid.uuid4()),
            subject="orders/o1",
            create_time=datetime(2026, 11, 23, 12, number, tzinfo=UTC),
        )
        await notification_table.add(connection, notification)


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
    assert one.name == f"notifications/{ann}-1"
    assert (one.title, one.text, one.subject) == ("Notification 1", "State: CONFIRMED", "orders/o1")
    assert (one.state, one.channel) == (
        pb.Notification.STATE_PENDING,
        pb.Notification.CHANNEL_EMAIL,
    )
    assert one.cause.startswith("events/")
    assert one.HasField("create_time")
    assert not one.HasField("send_time")


async def test_what_comes_later_is_unimplemented_and_an_operator_has_no_notifications(
    call_as: As,
) -> None:
    ann = call_as(str(uuid.uuid4()))
    with pytest.raises(CallFailed) as later:
        await ann.notifications.GetPreferences(pb.GetPreferencesRequest())
    assert later.value.code is grpc.StatusCode.UNIMPLEMENTED
    oscar = call_as(str(uuid.uuid4()), "operator")
    with pytest.raises(CallFailed) as denied:
        await oscar.notifications.ListNotifications(pb.ListNotificationsRequest())
    assert denied.value.code is grpc.StatusCode.PERMISSION_DENIED
