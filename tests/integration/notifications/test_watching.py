"""WatchNotifications behind the real server kit, on a real PostgreSQL."""

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

import asyncpg
import grpc
import pytest

from bridge.changes import Changes
from bridge.server.resume import ResumeTokens
from causeway.notifications.v1 import notification_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.notifications import notification_table
from services.notifications.notification_table import State
from services.notifications.servicer import WATCHED
from services.notifications.tail import Position
from services.notifications.watch import CHANNEL, PAGE, Watch
from tests.integration.notifications.serving import notification_for, replica, sent, tell
from tests.integration.service_kit import SIGNING_KEY, As
from tests.unit.server.conftest import Issuer

PENDING, SENT = pb.Notification.STATE_PENDING, pb.Notification.STATE_SENT
SOON = 10.0
"""Seconds that a change is waited for, on a machine that does much else."""


def watch(caller: Platform, token: str = "") -> AsyncIterator[pb.WatchNotificationsResponse]:
    request = pb.WatchNotificationsRequest(resume_token=token)
    return aiter(caller.notifications.WatchNotifications(request, timeout=20))


async def told(
    answers: AsyncIterator[pb.WatchNotificationsResponse],
) -> pb.WatchNotificationsResponse:
    """The next answer that is a notification."""
    answer = await anext(answers)
    while not answer.HasField("notification"):
        answer = await anext(answers)
    return answer


async def opened(
    caller: Platform, token: str = ""
) -> tuple[AsyncIterator[pb.WatchNotificationsResponse], str]:
    """A stream that listens, and its token: the first answer of one that has nothing to tell."""
    answers = watch(caller, token)
    answer = await asyncio.wait_for(anext(answers), SOON)
    assert answer.HasField("heartbeat")
    return answers, answer.resume_token


async def caught_up(caller: Platform, *seen: pb.WatchNotificationsResponse) -> None:
    """Nothing is new beyond the last of `seen`.

    What was read in the moment of its commit is told once more, and its token is behind it then.
    """
    known = [one.notification for one in seen]
    token = seen[-1].resume_token
    async with asyncio.timeout(SOON):
        while (answer := await anext(watch(caller, token))).HasField("notification"):
            assert answer.notification in known
            token = answer.resume_token


@pytest.fixture
def ann() -> str:
    return str(uuid.uuid4())


async def test_a_watcher_sees_what_is_new_from_then_on_and_each_change_of_it(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    await tell(pool, ann, 1)
    answers, _ = await opened(call_as(ann))
    notification = await tell(pool, ann, 2)
    made = (await asyncio.wait_for(told(answers), SOON)).notification
    assert (made.name, made.state) == (f"notifications/{notification.id}", PENDING)
    await sent(pool, notification)
    assert (await asyncio.wait_for(told(answers), SOON)).notification.state == SENT
    await call_as(ann).notifications.MarkNotificationRead(
        pb.MarkNotificationReadRequest(name=made.name)
    )
    assert (await asyncio.wait_for(told(answers), SOON)).notification.HasField("read_time")


async def test_a_change_is_told_within_a_second(call_as: As, ann: str, pool: asyncpg.Pool) -> None:
    answers, _ = await opened(call_as(ann))
    waits = []
    for number in range(5):
        await tell(pool, ann, number)
        begun = time.monotonic()
        await told(answers)
        waits.append(time.monotonic() - begun)
    assert statistics.median(waits) < 1


async def test_a_resumed_watch_first_tells_what_its_token_has_not_seen_and_nothing_twice(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    answers, begun = await opened(call_as(ann))
    first = await tell(pool, ann, 1)
    seen = (await told(answers)).resume_token
    await sent(pool, first)
    await tell(pool, ann, 2)
    again = watch(call_as(ann), seen)
    later = [await told(again) for _ in range(2)]
    assert [(one.notification.title[-1], one.notification.state) for one in later] == [
        ("1", SENT),
        ("2", PENDING),
    ]
    await caught_up(call_as(ann), *later)
    everything = watch(call_as(ann), begun)
    assert [(await told(everything)).notification for _ in range(2)] == [
        one.notification for one in later
    ]


async def test_more_than_a_reading_holds_is_told_whole_and_in_order(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    _, begun = await opened(call_as(ann))
    for number in range(120):
        await tell(pool, ann, number)
    answers = watch(call_as(ann), begun)
    titles = [(await told(answers)).notification.title for _ in range(120)]
    assert titles == [f"Notification {number}" for number in range(120)]


async def test_a_slow_reader_is_read_for_a_page_at_a_time_and_gets_the_last_state(
    ann: str, database: str, pool: asyncpg.Pool
) -> None:
    notifications = [await tell(pool, ann, number) for number in range(PAGE + 10)]
    follower = Watch(pool, Changes(database, CHANNEL)).follow(f"users/{ann}", Position(0))
    async with aclosing(follower) as news:
        await anext(news)
        await sent(pool, notifications[-1])
        later = [(await anext(news))[0] for _ in notifications[1:]]
    states = {one.id: one.state for one in later if one is not None}
    assert states.pop(notifications[-1].id) is State.SENT
    assert set(states.values()) == {State.PENDING}
    assert len(states) == PAGE + 8


async def test_nobody_sees_what_others_are_told(call_as: As, ann: str, pool: asyncpg.Pool) -> None:
    bob = str(uuid.uuid4())
    answers, token = await opened(call_as(ann))
    await tell(pool, bob)
    await tell(pool, ann, 7)
    assert (await told(answers)).notification.title == "Notification 7"
    with pytest.raises(CallFailed) as caught:
        await anext(watch(call_as(bob), token))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(caught.value.violations) == ["resume_token"]


@pytest.mark.parametrize("role", ["service", "superuser"])
async def test_what_is_committed_late_is_told_although_later_ones_were_seen(
    call_as: As, ann: str, pool: asyncpg.Pool, superuser: asyncpg.Connection, role: str
) -> None:
    """The later one comes at once; who resumes after it gets both, the late one included."""
    answers, _ = await opened(call_as(ann))
    async with pool.acquire() as of_the_service:
        connection = superuser if role == "superuser" else of_the_service
        late = connection.transaction()
        await late.start()
        await notification_table.add(connection, notification_for(ann, 1))
        await tell(pool, ann, 2)
        early = await asyncio.wait_for(told(answers), SOON)
        assert early.notification.title == "Notification 2"
        await late.commit()
    came = await asyncio.wait_for(told(answers), SOON)
    assert came.notification.title == "Notification 1"
    # Told once to who stayed, and not missed by who was cut off before.
    await tell(pool, ann, 3)
    assert (await told(answers)).notification.title == "Notification 3"
    resumed = watch(call_as(ann), early.resume_token)
    titles = {(await told(resumed)).notification.title for _ in range(3)}
    assert titles == {"Notification 1", "Notification 2", "Notification 3"}


async def test_what_others_of_the_cluster_leave_open_holds_no_position(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    other = await asyncpg.connect(os.environ["CAUSEWAY_TEST_POSTGRES"])
    try:
        forgotten = other.transaction()
        await forgotten.start()
        await other.fetchval("SELECT pg_current_xact_id()")
        answers, _ = await opened(call_as(ann))
        await tell(pool, ann)
        answer = await asyncio.wait_for(told(answers), SOON)
        await caught_up(call_as(ann), answer)
    finally:
        await other.close()


async def test_a_watch_goes_on_at_another_replica(
    call_as: As, ann: str, database: str, pool: asyncpg.Pool, issuer: Issuer
) -> None:
    _, token = await opened(call_as(ann))
    await tell(pool, ann, 1)
    async with replica(database, pool, issuer) as other:
        answers = watch(call_as(ann, at=other), token)
        assert (await told(answers)).notification.title == "Notification 1"
        await tell(pool, ann, 2)
        answer = await asyncio.wait_for(told(answers), SOON)
        await answers.aclose()  # type: ignore[attr-defined]
    await caught_up(call_as(ann), answer)


async def test_no_change_is_missed_whenever_the_stream_is_cut(
    call_as: As, ann: str, pool: asyncpg.Pool
) -> None:
    """Reads one answer a stream, while notifications are written and sent beside it."""
    _, token = await opened(call_as(ann))

    async def write(number: int) -> None:
        await sent(pool, await tell(pool, ann, number))

    writing = asyncio.gather(*(write(number) for number in range(30)))
    done: set[str] = set()
    async with asyncio.timeout(20):
        while len(done) < 30:
            answer = await told(watch(call_as(ann), token))
            token = answer.resume_token
            if answer.notification.state == SENT:
                done.add(answer.notification.title)
    await writing


async def test_a_token_of_another_database_is_out_of_range(call_as: As, ann: str) -> None:
    """As after a restore: a position whose transaction this database has not had yet."""
    tokens = ResumeTokens(SIGNING_KEY)
    ahead = tokens.seal(f"users/{ann}", WATCHED, str(Position(2**62)))
    with pytest.raises(CallFailed) as caught:
        await anext(watch(call_as(ann), ahead))
    assert caught.value.code is grpc.StatusCode.OUT_OF_RANGE
    assert caught.value.reason == "POSITION_GONE"
