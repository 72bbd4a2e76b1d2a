"""The check of history names what would mislead it or end it, and goes on."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from bridge.audit.findings import Kind, Report
from bridge.audit.verify import verify
from bridge.kafka.producer import Producer
from bridge.kafka.record import Headers
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append_many,
    outbox_is_empty,
    read_all,
    relaying,
    seals_topic,
    until,
)
from tests.integration.bridge.tampering import STRUCTURES, TAMPERING

EVENTS = 10


async def checked(parts: Parts) -> Report:
    return await verify(
        parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic)
    )


@pytest.fixture
async def god(parts: Parts, connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Ten events, relayed and sealed, and the rights to change them."""
    await append_many(parts, connection, {"o1": EVENTS})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    opened = await asyncpg.connect(parts.superuser)
    try:
        yield opened
    finally:
        opened.terminate()


async def send(parts: Parts, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
    producer = Producer(parts.kafka)
    await producer.start()
    await (await producer.send(topic, key, value, headers))
    await producer.close()


@pytest.mark.parametrize("named", list(STRUCTURES))
async def test_a_table_that_may_show_other_rows_than_there_are_is_named(
    parts: Parts, god: asyncpg.Connection, named: str
) -> None:
    await god.execute(STRUCTURES[named])
    report = await checked(parts)
    found = [one.detail for one in report.findings if one.kind is Kind.STRUCTURE_CHANGED]
    assert f"bridge.{named}" in found
    assert not report.counts[Kind.DUPLICATED] or "primary key" in named


async def test_a_second_event_at_a_sealed_position_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute(STRUCTURES["events lacks: primary key position"])
    found = (await checked(parts)).findings
    [twice] = [one for one in found if one.kind is Kind.DUPLICATED]
    assert (twice.position, twice.detail) == (1, "its position")


async def test_operators_of_the_owners_own_do_not_judge(
    parts: Parts, god: asyncpg.Connection
) -> None:
    """A search path that puts them before PostgreSQL's would make every comparison true."""
    await god.execute("""
        CREATE SCHEMA evil;
        GRANT USAGE ON SCHEMA evil TO PUBLIC;
        CREATE FUNCTION evil.yes(bigint, bigint) RETURNS boolean IMMUTABLE LANGUAGE sql
        AS 'SELECT true';
        CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.yes);
    """)
    database = await god.fetchval("SELECT current_database()")
    await god.execute(f'ALTER DATABASE "{database}" SET search_path = evil, pg_catalog')
    position = await god.fetchval(TAMPERING["insert"], "orders/o1", EVENTS + 1)
    [inserted] = (await checked(parts)).findings
    assert (inserted.kind, inserted.position) == (Kind.INSERTED, position)


async def test_a_seal_below_the_first_hides_no_event(parts: Parts, god: asyncpg.Connection) -> None:
    position = await god.fetchval(TAMPERING["insert"], "orders/o1", EVENTS + 1)
    await god.execute(TAMPERING["seal_below"], position)
    found = {(one.kind, one.position) for one in (await checked(parts)).findings}
    assert {(Kind.INSERTED, position), (Kind.CHAIN_BROKEN, position)} <= found


async def test_an_event_that_waits_for_a_topic_of_nobody_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    position = await god.fetchval(TAMPERING["insert"], "orders/o1", EVENTS + 1)
    await god.execute(TAMPERING["wait"], position, "no-such-topic")
    [waits] = (await checked(parts)).findings
    assert (waits.kind, waits.position) == (Kind.UNKNOWN_TOPIC, position)
    assert waits.detail == "topic no-such-topic"


async def test_an_event_that_younger_ones_passed_long_ago_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute(TAMPERING["forge"], 0, EVENTS + 1)
    await god.execute(TAMPERING["wait"], 0, parts.topic)
    assert (await checked(parts)).clean
    await god.execute(TAMPERING["long_ago"])
    [waits] = (await checked(parts)).findings
    assert (waits.kind, waits.position) == (Kind.WAITING_TOO_LONG, 0)


@pytest.mark.parametrize(
    "value",
    [
        b'{"seq": 99999999999999999999, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1e999, "position": 1, "hash": "%s"}' % (b"00" * 32),
        b'{"seq": 1, "position": ' + b"9" * 5000 + b"}",
        b"[" * 200_000,
        b"\xff",
    ],
    ids=["range", "infinity", "digits", "nested", "text"],
)
async def test_a_head_that_is_none_is_named_and_the_true_ones_still_count(
    parts: Parts, god: asyncpg.Connection, value: bytes
) -> None:
    await send(parts, seals_topic(parts.topic), b"orders", value, [])
    await send(parts, seals_topic(parts.topic), b"users", value, [])
    report = await checked(parts)
    [bad] = report.findings
    assert (bad.kind, report.anchored) == (Kind.BAD_HEAD, EVENTS)
    assert bad.place.startswith(seals_topic(parts.topic))


async def test_a_record_whose_schema_has_a_version_of_5000_digits_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    record = (await read_all(parts.kafka, parts.topic))[0]
    forged = [(name, value or b"") for name, value in record.headers if name != "ce_dataschema"]
    forged.append(("ce_dataschema", b"/subjects/s/versions/" + b"9" * 5000))
    await send(parts, parts.topic, record.key or b"", record.value or b"", forged)
    [differs] = (await checked(parts)).findings
    assert (differs.kind, differs.detail) == (Kind.LOG_DIFFERS, "headers ce_dataschema")


@pytest.mark.parametrize("time", ["0044-03-15 12:00:00+00 BC", "infinity", "-infinity"])
async def test_an_event_at_a_time_that_python_has_not_is_named(
    parts: Parts, god: asyncpg.Connection, time: str
) -> None:
    await god.execute(f"UPDATE bridge.events SET time = '{time}' WHERE position = 5")  # noqa: S608
    report = await checked(parts)
    assert {(one.kind, one.position) for one in report.findings} == {
        (Kind.ALTERED, 5),
        (Kind.LOG_DIFFERS, 5),
    }
    assert report.seals == EVENTS


@pytest.mark.parametrize("column", ["stream", "version", "type", "event_id", "data", "time"])
async def test_an_event_that_lacks_what_none_lacks_is_named(
    parts: Parts, god: asyncpg.Connection, column: str
) -> None:
    await god.execute(f"ALTER TABLE bridge.events ALTER {column} DROP NOT NULL")
    await god.execute(f"UPDATE bridge.events SET {column} = NULL WHERE position = 5")  # noqa: S608
    report = await checked(parts)
    assert (Kind.ALTERED, 5) in {(one.kind, one.position) for one in report.findings}
    assert report.counts[Kind.STRUCTURE_CHANGED] == 2
    assert report.seals == EVENTS


async def test_a_seal_that_holds_nothing_is_named_and_the_next_are_checked(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute("ALTER TABLE bridge.seals ALTER prev DROP NOT NULL")
    await god.execute("UPDATE bridge.seals SET prev = NULL WHERE seq = 5")
    report = await checked(parts)
    assert {(one.kind, one.seq) for one in report.findings if one.seq} == {
        (Kind.CHAIN_BROKEN, 5),
        (Kind.UNREADABLE, 5),
    }
    assert report.seals == EVENTS
