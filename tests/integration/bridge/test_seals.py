"""Seals and their heads on real PostgreSQL and Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bridge.audit.seals import COLUMNS, GENESIS, fields, seal_hash
from bridge.events.event import Origin
from bridge.kafka.record import Record
from bridge.relay.relay import Relay
from tests.integration.bridge.parts import (
    SOURCE,
    Parts,
    append,
    append_many,
    confirmed,
    outbox_is_empty,
    read_all,
    relaying,
    running,
    seals_topic,
    until,
)
from tests.integration.bridge.tampering import TAMPERING

NAMES = ", ".join(column.name for column in COLUMNS)


@pytest.fixture
async def god(parts: Parts) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(parts.superuser)
    try:
        yield opened
    finally:
        opened.terminate()


async def heads(parts: Parts) -> list[Record]:
    return await read_all(parts.kafka, seals_topic(parts.topic))


async def test_postgresql_and_we_lay_an_event_out_alike(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    origin = Origin("users/ключ", "cli", "/a/B", "r1", "c1", "e0", "00-aa-bb-01")
    await parts.store.append(connection, "orders/o1", 0, [confirmed("o1")], origin)
    row = await connection.fetchrow(f"SELECT {NAMES} FROM bridge.events")  # noqa: S608
    sent = await connection.fetchval(f"SELECT record_send(ROW({NAMES})) FROM bridge.events")  # noqa: S608
    assert fields(row) == sent


async def test_each_event_that_leaves_the_outbox_gets_the_next_seal_of_one_chain(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append_many(parts, connection, {f"o{number}": 7 for number in range(3)})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
        await append(parts, connection, "later", 0)
        await until(lambda: outbox_is_empty(connection))
    seals = await connection.fetch("SELECT * FROM bridge.seals ORDER BY seq")
    assert [seal["seq"] for seal in seals] == list(range(1, 23))
    prev = GENESIS
    for seal in seals:
        sealed = f"SELECT {NAMES} FROM bridge.events WHERE position = $1"  # noqa: S608
        row = await connection.fetchrow(sealed, seal["position"])
        assert (seal["prev"], seal["hash"]) == (prev, seal_hash(prev, fields(row)))
        prev = seal["hash"]


async def test_what_waits_in_the_outbox_has_no_seal(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append(parts, connection, "o1", 0)
    assert await connection.fetchval("SELECT count(*) FROM bridge.seals") == 0


async def test_the_head_is_on_kafka_when_a_relay_stops_in_order(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append_many(parts, connection, {"o1": 5})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    last = await connection.fetchrow("SELECT * FROM bridge.seals ORDER BY seq DESC LIMIT 1")
    record = max(await heads(parts), key=lambda one: json.loads(one.value or b"")["seq"])
    assert record.key == b"orders"
    assert json.loads(record.value or b"") == {
        "source": SOURCE,
        "seq": 5,
        "position": last["position"],
        "hash": last["hash"].hex(),
    }


async def test_a_head_follows_after_seconds_and_after_a_thousand_events(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.audit.heads.HEAD_SECONDS", 0.3)

    async def has(seq: int) -> bool:
        return any(json.loads(one.value or b"")["seq"] >= seq for one in await heads(parts))

    async with relaying(parts):
        await append(parts, connection, "o1", 0)
        await until(lambda: has(1))
        await append(parts, connection, "o1", 1)
        await until(lambda: has(2))
        monkeypatch.setattr("bridge.audit.heads.HEAD_SECONDS", 3600.0)
        await asyncio.sleep(1)  # the wait that has begun may still be the short one
        await append_many(parts, connection, {f"p{number}": 1 for number in range(1000)})
        await until(lambda: outbox_is_empty(connection))
        await until(lambda: has(1002))


async def test_events_go_on_while_heads_can_not_be_written(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    relay = Relay(parts.dsn, parts.kafka, parts.catalog, SOURCE, seals="t-bridge-no-such-topic")
    async with running(relay.run):
        for version in range(3):
            await append(parts, connection, "o1", version)
            await until(lambda: outbox_is_empty(connection))
    assert len(await read_all(parts.kafka, parts.topic)) == 3


async def test_a_chain_begins_with_what_an_older_release_published(
    parts: Parts, connection: asyncpg.Connection, god: asyncpg.Connection
) -> None:
    await append_many(parts, connection, {"o1": 5})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    await god.execute("TRUNCATE bridge.seals")
    async with relaying(parts):
        await append(parts, connection, "o1", 5)
        await until(lambda: outbox_is_empty(connection))
    positions = "SELECT array_agg(position ORDER BY seq) FROM bridge.seals"
    assert await connection.fetchval(positions) == [1, 2, 3, 4, 5, 6]


async def test_an_event_put_among_the_published_ones_later_is_never_sealed(
    parts: Parts, connection: asyncpg.Connection, god: asyncpg.Connection
) -> None:
    await append_many(parts, connection, {"o1": 2})
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    position = await god.fetchval(TAMPERING["insert"], "orders/o1", 3)
    await god.execute("INSERT INTO bridge.published VALUES ($1, $2, 0, 900)", position, parts.topic)
    async with relaying(parts):
        await append(parts, connection, "o2", 0)
        await until(lambda: outbox_is_empty(connection))
    sealed = await connection.fetchval("SELECT array_agg(position) FROM bridge.seals")
    assert position not in sealed


async def test_two_that_go_on_with_one_chain_meet_at_the_same_seq(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append(parts, connection, "o1", 0)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(
            "INSERT INTO bridge.seals VALUES (1, 77, sha256('a'), sha256('b'))"
        )


async def test_the_services_role_can_neither_change_nor_remove_seals(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    for statement in (
        "UPDATE bridge.seals SET hash = hash",
        "DELETE FROM bridge.seals",
        "TRUNCATE bridge.seals",
        "UPDATE bridge.events SET data = data",
        "DELETE FROM bridge.events",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
