"""Events from outside in a store: relayed and sealed like any other, under their own source."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from bridge.audit.verify import verify
from bridge.errors import AlreadyExists, CausewayError, InvalidArgument, Unavailable
from bridge.events.codec import decode
from bridge.events.event import Origin
from bridge.events.outside import cause_of, event_id_of
from bridge.events.schema import SchemaId
from bridge.store.intake import Intake
from bridge.store.offer import Offer
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append,
    confirmed,
    outbox_is_empty,
    read_all,
    relaying,
    seals_topic,
    until,
)

OUTSIDE = "/warehouse/berlin"


def offer(parts: Parts, outer_id: str, order_id: str) -> Offer:
    message = confirmed(order_id)
    event_type = parts.catalog.type_of(message)
    event_id = event_id_of(OUTSIDE, outer_id)
    origin = Origin("users/paul", "causeway-cli", "/m", "", event_id, cause_of(OUTSIDE, outer_id))
    data = message.SerializeToString()
    stream = event_type.stream_of(message)
    now = datetime.now(UTC)
    return Offer(event_id, event_type, stream, data, SchemaId(7, 1), now, False, origin)


async def test_records_have_the_publishers_source_and_the_check_of_history_agrees(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    intake = Intake(pool)
    await intake.put([offer(parts, f"receipt-{number}", "o1") for number in range(3)])
    own = await append(parts, connection, "o1", 3)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    events = [decode(record, parts.catalog) for record in await read_all(parts.kafka, parts.topic)]
    assert [event.version for event in events] == [1, 2, 3, 4]
    assert [event.source for event in events] == [OUTSIDE] * 3 + [SOURCE]
    assert [event.id for event in events[:3]] == [
        event_id_of(OUTSIDE, f"receipt-{number}") for number in range(3)
    ]
    assert events[3].id == own.id
    report = await verify(
        parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic)
    )
    assert report.findings == []
    assert report.seals == 4


async def test_a_repeat_after_it_was_relayed_finds_the_event_and_its_place(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    intake = Intake(pool)
    await intake.put([offer(parts, "receipt-1", "o1")])
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    [found] = await intake.put([offer(parts, "receipt-1", "o1")])
    assert isinstance(found, asyncpg.Record)
    assert (found["version"], found["topic"], found["record_offset"]) == (1, parts.topic, 0)
    assert await connection.fetchval("SELECT count(*) FROM bridge.outbox") == 0


async def test_behind_one_whose_id_is_another_events_nothing_of_the_call_is_stored(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    intake = Intake(pool)
    await intake.put([offer(parts, "receipt-1", "o1")])
    taken = offer(parts, "receipt-1", "o2")
    mine = [offer(parts, "before", "o3"), taken, offer(parts, "behind", "o3")]
    others = [offer(parts, "theirs-1", "o3"), offer(parts, "theirs-2", "o3")]
    outcomes, stored = await asyncio.gather(intake.put(mine), intake.put(others))
    assert [isinstance(outcome, AlreadyExists) for outcome in outcomes] == [False, True, True]
    assert not any(isinstance(outcome, CausewayError) for outcome in stored)
    rows = await connection.fetch("SELECT causation_id FROM bridge.events ORDER BY position")
    assert {row["causation_id"] for row in rows} == {
        cause_of(OUTSIDE, one) for one in ("receipt-1", "before", "theirs-1", "theirs-2")
    }


async def test_events_are_made_with_their_group_and_one_that_fails_is_its_callers_alone(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    intake = Intake(pool, most=3)
    made: list[str] = []

    def making(outer_id: str) -> Callable[[], Offer]:
        def make() -> Offer:
            made.append(outer_id)
            if outer_id == "wrong":
                raise InvalidArgument("this one is wrong")
            return offer(parts, outer_id, "o1")

        return make

    first = asyncio.create_task(intake.put_one(making("first")))
    await asyncio.sleep(0)
    waiting = [
        asyncio.create_task(intake.put_one(making(one))) for one in ("gone", "wrong", "last")
    ]
    await asyncio.sleep(0)
    assert made == ["first"]
    waiting[0].cancel()
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert made == ["first", "wrong", "last"]
    gone, wrong = outcomes[1:3]
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(wrong, InvalidArgument)
    rows = await connection.fetch("SELECT causation_id FROM bridge.events ORDER BY position")
    assert [row["causation_id"] for row in rows] == [
        cause_of(OUTSIDE, one) for one in ("first", "last")
    ]


async def test_of_two_with_one_id_in_a_call_the_first_is_stored_and_nothing_behind_the_second(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    ids = [("a", "o1"), ("b", "o1"), ("a", "o2"), ("c", "o1")]
    outcomes = await Intake(pool).put([offer(parts, *one) for one in ids])
    assert [isinstance(one, AlreadyExists) for one in outcomes] == [False, False, True, True]
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 2


async def test_a_database_that_hangs_is_not_waited_for_by_each_of_a_group(
    parts: Parts, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []

    async def hangs(_self: Intake, _connection: object, batches: Sequence[object]) -> None:
        groups.append(len(batches))
        raise TimeoutError

    monkeypatch.setattr(Intake, "_write", hangs)
    intake = Intake(pool)
    puts = [intake.put([offer(parts, f"receipt-{n}", "o1")]) for n in range(3)]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(one) for one in outcomes] == [TimeoutError] * 3
    assert groups == [3]


async def test_streams_that_stay_busy_are_a_refusal_that_may_be_repeated(
    parts: Parts, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def met(*_: object) -> None:
        raise asyncpg.UniqueViolationError("events_stream_version")

    intake = Intake(pool)
    with monkeypatch.context() as patched:
        patched.setattr(Intake, "_write", met)
        patched.setattr("bridge.store.intake.PAUSE", 0)
        with pytest.raises(Unavailable) as refused:
            await intake.put([offer(parts, "receipt-1", "o1")])
    assert refused.value.reason == "STORE_BUSY"
