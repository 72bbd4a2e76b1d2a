"""Deliveries and their senders on real PostgreSQL."""

import asyncio
from dataclasses import dataclass, field, replace

import asyncpg
import pytest

from bridge.effects.deliveries import Delivery, Result, enqueue
from bridge.effects.sender import Pace, Sender
from bridge.errors import FailedPrecondition, StaleVersion, Unavailable
from bridge.events.event import Event, caused_by
from bridge.handling import Handling
from tests.integration.bridge.parts import Parts, append, running, until

FAST = Pace(attempt=0.5, lease=2.0, poll=0.05, first_pause=0.05, longest_pause=0.2)


@dataclass
class Mailbox:
    """An effect that fails as told, and the outcomes that were recorded."""

    errors: list[Exception] = field(default_factory=list)
    mails: list[Delivery] = field(default_factory=list)
    outcomes: list[Result] = field(default_factory=list)

    async def deliver(self, delivery: Delivery) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.mails.append(delivery)

    async def outcome(
        self, delivery: Delivery, result: Result, connection: asyncpg.Connection
    ) -> None:
        assert connection.is_in_transaction()
        self.outcomes.append(result)


@pytest.fixture
async def event(parts: Parts, connection: asyncpg.Connection) -> Event:
    return await append(parts, connection, "o1", 0)


async def put(connection: asyncpg.Connection, event: Event, recipient: str = "users/u1") -> str:
    async with connection.transaction():
        handling = Handling(event, connection, caused_by(event))
        delivery_id = await enqueue(handling, "email", recipient, b"payload")
    assert delivery_id is not None
    return delivery_id


async def ended(connection: asyncpg.Connection) -> bool:
    sql = "SELECT count(*) FROM bridge.deliveries WHERE state = 'pending'"
    return not await connection.fetchval(sql)


async def test_a_delivery_is_carried_out_and_its_outcome_recorded(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, FAST).run):
        delivery_id = await put(connection, event)
        await until(lambda: ended(connection))
    [mail] = box.mails
    assert (mail.id, mail.recipient, mail.payload) == (delivery_id, "users/u1", b"payload")
    assert mail.origin.causation_id == event.id
    assert mail.origin.correlation_id == event.origin.correlation_id
    assert box.outcomes == [Result(True, 1)]


async def test_a_replay_enqueues_only_the_effects_that_it_was_asked_for(
    connection: asyncpg.Connection, event: Event
) -> None:
    async with connection.transaction():
        for asked in (frozenset[str](), frozenset({"webhook"}), frozenset({"email"})):
            handling = Handling(event, connection, caused_by(event), effects=asked)
            delivery_id = await enqueue(handling, "email", "users/u1", b"payload")
            assert (delivery_id is not None) == ("email" in asked)
    assert await connection.fetchval("SELECT count(*) FROM bridge.deliveries") == 1


async def test_a_new_delivery_wakes_the_sender_at_commit(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()
    slow = Pace(poll=600)
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, slow).run):
        await put(connection, event)
        await until(lambda: ended(connection))
        await put(connection, event)
        await until(lambda: ended(connection))
    assert len(box.mails) == 2


async def test_a_mail_server_that_is_down_is_tried_until_it_is_back(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox(errors=[ConnectionRefusedError(), Unavailable("down"), TimeoutError()])
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, FAST).run):
        await put(connection, event)
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(True, 4)]
    assert len(box.mails) == 1


async def test_a_refusal_for_good_ends_as_failed(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox(errors=[FailedPrecondition("no such mailbox", reason="ADDRESS_REFUSED")])
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, FAST).run):
        await put(connection, event)
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(False, 1, "ADDRESS_REFUSED")]


async def test_where_tries_are_counted_the_last_failure_is_the_end(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    away = [Unavailable("down", reason=f"AWAY_{number}") for number in range(5)]
    box = Mailbox(errors=[*away])
    await put(connection, event)
    async with running(
        Sender(pool, {"email": box.deliver}, box.outcome, replace(FAST, attempts=3)).run
    ):
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(False, 3, "AWAY_2")]
    assert len(box.errors) == 2


async def test_no_try_comes_before_the_time_that_the_error_named(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox(
        errors=[Unavailable("busy", retry_after=40), Unavailable("busy", retry_after=1e9)]
    )
    patient = replace(FAST, longest_pause=90)
    postponed = """
        SELECT extract(epoch FROM due_time - now()) FROM bridge.deliveries
        WHERE attempts = $1 AND lease IS NULL
    """
    await put(connection, event)
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, patient).run):
        for attempt, least, most in ((1, 30, 40), (2, 80, 90)):

            async def waits(attempt: int = attempt) -> bool:
                return await connection.fetchval(postponed, attempt) is not None

            await until(waits)
            assert least < await connection.fetchval(postponed, attempt) <= most
            await connection.execute("UPDATE bridge.deliveries SET due_time = now()")


async def test_what_hangs_holds_its_own_place_alone(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, released = Mailbox(), asyncio.Event()

    async def deliver(delivery: Delivery) -> None:
        if delivery.id == hung:
            await released.wait()
        await box.deliver(delivery)

    async def others_are_sent() -> bool:
        return len(box.mails) == 9

    hung = await put(connection, event)
    for _ in range(9):
        await put(connection, event)
    patient = replace(FAST, attempt=30, at_once=2, poll=600)
    async with running(Sender(pool, {"email": deliver}, box.outcome, patient).run):
        await until(others_are_sent)
        assert not await ended(connection)
        released.set()
        await until(lambda: ended(connection))


async def test_a_recipient_whose_deliveries_hang_holds_up_no_other(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, at_work, released = Mailbox(), [0], asyncio.Event()

    async def deliver(delivery: Delivery) -> None:
        if delivery.recipient == "users/hung":
            at_work[0] += 1
            assert at_work[0] <= 2
            await released.wait()
            at_work[0] -= 1
        await box.deliver(delivery)

    async def others_are_sent() -> bool:
        return len(box.mails) == 8

    for _ in range(20):
        await put(connection, event, "users/hung")
    for number in range(8):
        await put(connection, event, f"users/u{number % 2}")
    fair = replace(FAST, attempt=30, lease=60, at_once=4, for_one=2, poll=600)
    async with running(Sender(pool, {"email": deliver}, box.outcome, fair).run):
        await until(others_are_sent)
        assert at_work == [2]
        released.set()
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(True, 1)] * 28


async def test_many_recipients_that_fail_leave_the_places_to_the_others(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, at_work, most = Mailbox(), [0], [0]

    async def deliver(delivery: Delivery) -> None:
        if delivery.recipient.startswith("users/hung"):
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            try:
                await asyncio.sleep(60)
            finally:
                at_work[0] -= 1
        await box.deliver(delivery)

    async def each_has_failed() -> bool:
        sql = "SELECT count(DISTINCT recipient) FROM bridge.deliveries WHERE last_error <> ''"
        return await connection.fetchval(sql) == 4 and at_work[0] <= 2

    async def good_ones_are_sent() -> bool:
        return len(box.mails) == 12

    for number in range(4 * 6):
        await put(connection, event, f"users/hung{number % 4}")
    fair = replace(FAST, attempt=1.5, lease=10, at_once=8, for_one=2, for_failing=2)
    async with running(Sender(pool, {"email": deliver}, box.outcome, fair).run):
        await until(each_has_failed)
        assert most == [8]  # first tries: nobody knew
        most[0] = 0
        for _ in range(12):
            await put(connection, event, "users/good")
        await until(good_ones_are_sent, 1)
        await asyncio.sleep(2)
        assert most == [2]


async def test_a_recipient_that_failed_is_tried_one_at_a_time_until_it_is_back(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, at_work = Mailbox(), [0]

    async def deliver(delivery: Delivery) -> None:
        at_work[0] += 1
        assert at_work[0] == 1
        await asyncio.sleep(0.01)
        at_work[0] -= 1
        await box.deliver(delivery)

    for _ in range(10):
        await put(connection, event)
    await connection.execute("UPDATE bridge.deliveries SET attempts = 1, last_error = 'AWAY'")
    fair = replace(FAST, for_failing=4)
    async with running(Sender(pool, {"email": deliver}, box.outcome, fair).run):
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(True, 2)] * 10


async def test_no_more_run_side_by_side_than_there_are_places(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, at_work = Mailbox(), [0]

    async def deliver(delivery: Delivery) -> None:
        at_work[0] += 1
        assert at_work[0] <= 3
        await asyncio.sleep(0.01)
        at_work[0] -= 1
        await box.deliver(delivery)

    for _ in range(20):
        await put(connection, event)
    async with running(Sender(pool, {"email": deliver}, box.outcome, replace(FAST, at_once=3)).run):
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(True, 1)] * 20


async def test_many_senders_send_each_delivery_once(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()
    for _ in range(60):
        await put(connection, event)
    senders = [Sender(pool, {"email": box.deliver}, box.outcome, FAST) for _ in range(3)]
    async with running(senders[0].run), running(senders[1].run), running(senders[2].run):
        await until(lambda: ended(connection))
    assert len(box.mails) == len({mail.id for mail in box.mails}) == 60


async def test_the_lease_of_a_dead_sender_lapses(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()
    hung = asyncio.Event()

    async def hang(delivery: Delivery) -> None:
        hung.set()
        await asyncio.sleep(60)

    await put(connection, event)
    dead = asyncio.create_task(
        Sender(pool, {"email": hang}, box.outcome, Pace(attempt=60, lease=1)).run(asyncio.Event())
    )
    await hung.wait()
    dead.cancel()
    async with running(Sender(pool, {"email": box.deliver}, box.outcome, FAST).run):
        await until(lambda: ended(connection))
    assert box.outcomes == [Result(True, 2)]


async def test_an_outcome_that_loses_a_race_is_recorded_without_sending_again(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box, races = Mailbox(), 3

    async def outcome(delivery: Delivery, result: Result, at: asyncpg.Connection) -> None:
        nonlocal races
        races -= 1
        if races:
            raise StaleVersion("somebody was first")
        await box.outcome(delivery, result, at)

    async with running(Sender(pool, {"email": box.deliver}, outcome, FAST).run):
        await put(connection, event)
        await until(lambda: ended(connection))
    assert len(box.mails) == 1
    assert box.outcomes == [Result(True, 1)]


async def test_an_outcome_that_cannot_be_recorded_holds_the_delivery_back(
    connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()

    async def outcome(delivery: Delivery, result: Result, at: asyncpg.Connection) -> None:
        await at.execute("SELECT 1 / 0")

    short = Pace(attempt=0.2, lease=0.7, poll=0.05)
    async with running(Sender(pool, {"email": box.deliver}, outcome, short).run):
        delivery_id = await put(connection, event)
        await until(lambda: ended(connection), 5)
        await asyncio.sleep(1)  # longer than the lease
    assert len(box.mails) == 1
    row = await connection.fetchrow("SELECT * FROM bridge.deliveries WHERE id = $1", delivery_id)
    assert (row["state"], row["last_error"]) == ("unrecorded", "OUTCOME_UNRECORDED")


async def test_a_sender_whose_listening_connection_died_listens_again(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, event: Event
) -> None:
    box = Mailbox()
    slow = Pace(poll=600)
    listener = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND query ILIKE 'LISTEN%'"
    )
    admin = await asyncpg.connect(parts.superuser)
    try:
        async with running(Sender(pool, {"email": box.deliver}, box.outcome, slow).run):
            await until(lambda: has(admin, listener))
            pid = await admin.fetchval(listener)
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
            await until(lambda: has(admin, f"{listener} AND pid <> {pid}"), 10)
            await put(connection, event)
            await until(lambda: ended(connection), 5)
    finally:
        await admin.close()
    assert len(box.mails) == 1


async def has(connection: asyncpg.Connection, sql: str) -> bool:
    return await connection.fetchval(sql) is not None
