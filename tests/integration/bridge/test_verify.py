"""The check of a store's history finds what somebody did to it, and names it.

Tampering is done as who may do everything in the database: the service's role can't.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from bridge.audit.findings import Finding, Kind, Report
from bridge.audit.verify import verify
from bridge.errors import Unavailable
from bridge.kafka.producer import Producer
from bridge.kafka.span import Span
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append,
    append_many,
    outbox_is_empty,
    relaying,
    seals_topic,
    until,
)
from tests.integration.bridge.tampering import TAMPERING, cut, recompute, swap_data, swap_places

STREAMS, VERSIONS = 4, 10


async def checked(parts: Parts) -> Report:
    return await verify(
        parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic)
    )


def of(report: Report, kind: Kind) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind is kind]


@pytest.fixture
async def god(parts: Parts, connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Forty events, relayed and sealed, and the rights to change them."""
    await append_many(parts, connection, {f"o{number}": VERSIONS for number in range(STREAMS)})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    opened = await asyncpg.connect(parts.superuser)
    try:
        yield opened
    finally:
        opened.terminate()


async def test_an_untouched_store_is_clean_and_anchored_to_its_end(
    parts: Parts, god: asyncpg.Connection
) -> None:
    report = await checked(parts)
    assert report.findings == []
    assert (report.seals, report.records, report.anchored) == (40, 40, 40)


async def test_a_log_that_gives_nothing_more_ends_the_check_and_its_snapshot(
    parts: Parts, god: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(self: Span, *_: object) -> None:
        raise Unavailable("the log can't be read on", reason="LOG_UNREADABLE")

    monkeypatch.setattr(Span, "read", nothing)
    with pytest.raises(Unavailable, match="the log can't be read on"):
        await checked(parts)

    async def no_snapshot_is_held() -> bool:
        return not await god.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )

    await until(no_snapshot_is_held, 5)


async def test_an_altered_event_is_named_by_its_seal_and_by_the_log(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute(TAMPERING["alter"], 17)
    report = await checked(parts)
    [altered] = of(report, Kind.ALTERED)
    [differs] = of(report, Kind.LOG_DIFFERS)
    assert (altered.position, altered.seq) == (17, 17)
    assert (differs.position, differs.detail) == (17, "value")
    assert len(report.findings) == 2


@pytest.mark.parametrize("column", ["request_id", "client", "method"])
async def test_a_change_of_a_column_that_kafka_never_saw_is_found_too(
    parts: Parts, god: asyncpg.Connection, column: str
) -> None:
    change = f"UPDATE bridge.events SET {column} = 'forged' WHERE position = 5"  # noqa: S608
    await god.execute(change)
    [finding] = (await checked(parts)).findings
    assert (finding.kind, finding.position) == (Kind.ALTERED, 5)


async def test_a_deleted_event_is_named(parts: Parts, god: asyncpg.Connection) -> None:
    await god.execute(TAMPERING["remove"], 17)
    report = await checked(parts)
    [removed] = of(report, Kind.REMOVED)
    [orphan] = of(report, Kind.NOT_STORED)
    assert (removed.position, removed.place) == (17, orphan.place)
    assert len(report.findings) == 2


async def test_an_inserted_event_is_named(parts: Parts, god: asyncpg.Connection) -> None:
    position = await god.fetchval(TAMPERING["insert"], "orders/o1", VERSIONS + 1)
    [inserted] = (await checked(parts)).findings
    assert (inserted.kind, inserted.position) == (Kind.INSERTED, position)
    assert (inserted.stream, inserted.version) == ("orders/o1", VERSIONS + 1)


@pytest.mark.parametrize("swap", [swap_places, swap_data])
async def test_two_swapped_events_are_named_as_swapped_with_each_other(
    parts: Parts,
    god: asyncpg.Connection,
    swap: Callable[[asyncpg.Connection, int, int], Awaitable[None]],
) -> None:
    await swap(god, 12, 31)
    swapped = of(await checked(parts), Kind.SWAPPED)
    assert {finding.position for finding in swapped} == {12, 31}
    assert all("seq" in finding.detail for finding in swapped)


async def test_a_tail_that_was_cut_is_named(parts: Parts, god: asyncpg.Connection) -> None:
    await cut(god, 35)
    report = await checked(parts)
    [gone] = of(report, Kind.TAIL_CUT)
    assert gone.seq == 36
    assert "40" in gone.detail
    assert len(of(report, Kind.NOT_STORED)) == 5


async def test_a_chain_that_was_made_anew_as_a_whole_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute(TAMPERING["alter"], 17)
    await recompute(god)
    report = await checked(parts)
    [anew] = of(report, Kind.RECOMPUTED)
    assert anew.seq == 40
    assert {one.position for one in of(report, Kind.LOG_DIFFERS)} == {17}
    assert not of(report, Kind.ALTERED)


async def test_an_event_whose_seal_is_gone_is_unsealed(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute("DELETE FROM bridge.seals WHERE seq = 17")
    report = await checked(parts)
    [unsealed] = of(report, Kind.UNSEALED)
    [missing] = of(report, Kind.SEAL_REMOVED)
    assert (unsealed.position, missing.seq) == (17, 18)
    assert len(report.findings) == 2


async def test_a_forged_seal_breaks_the_chain(parts: Parts, god: asyncpg.Connection) -> None:
    await god.execute("UPDATE bridge.seals SET hash = sha256('forged') WHERE seq = 17")
    report = await checked(parts)
    assert [finding.seq for finding in of(report, Kind.CHAIN_BROKEN)] == [18]
    assert [finding.seq for finding in of(report, Kind.ALTERED)] == [17]


async def test_a_place_on_kafka_that_was_changed_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    await god.execute("UPDATE bridge.published SET record_offset = 900 WHERE position = 17")
    [finding] = (await checked(parts)).findings
    assert (finding.kind, finding.position) == (Kind.NOT_ON_LOG, 17)


async def test_a_record_that_the_store_never_held_is_named(
    parts: Parts, god: asyncpg.Connection
) -> None:
    producer = Producer(parts.kafka)
    await producer.start()
    foreign = [("ce_id", b"0198f2f0-7c3b-7d44-9c2e-3f1b2a4c5d6e")]
    place = await (await producer.send(parts.topic, b"o1", b"forged", foreign))
    await producer.close()
    [finding] = (await checked(parts)).findings
    assert finding.kind is Kind.NOT_STORED
    assert finding.place == f"{parts.topic}/{place.partition}/{place.offset}"


async def test_events_that_wait_for_kafka_are_no_finding(
    parts: Parts, god: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    await append(parts, connection, "new", 0)
    assert (await checked(parts)).clean


async def test_a_relay_that_died_before_it_emptied_the_outbox_is_no_finding(
    parts: Parts, god: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    """The records are on Kafka, the outbox still holds them, and they are sent again."""
    async with god.transaction():
        await god.execute(TAMPERING["queue_again"], 30)
        for table in ("published", "seals"):
            await god.execute(TAMPERING[f"cut_{table}"], 30)
    report = await checked(parts)
    assert [one.kind for one in report.findings] == [Kind.TAIL_CUT]
    assert report.in_flight == 10


async def test_a_working_relay_gives_no_false_alarm(
    parts: Parts, god: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    async def write() -> None:
        for version in range(150):
            await append(parts, connection, "busy", version)

    async with relaying(parts):
        writing = asyncio.create_task(write())
        reports = []
        while not writing.done():
            reports.append(await checked(parts))
        await writing
    assert len(reports) > 1
    assert [report.findings for report in reports if not report.clean] == []
    assert (await checked(parts)).seals == 190
