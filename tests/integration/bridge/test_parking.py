"""Parking and redrive on real PostgreSQL and Kafka."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bridge.consumer.consumer import Consumer
from bridge.consumer.inbox import Inbox
from bridge.consumer.lanes import Limits
from bridge.errors import FailedPrecondition, Unavailable
from bridge.events.catalog import Catalog
from bridge.events.codec import decode
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.kafka.record import Headers
from bridge.parking.redrive import Pace, Redriver
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    Parts,
    append,
    append_many,
    confirmed,
    outbox_is_empty,
    read_all,
    relaying,
    running,
    until,
)

EFFECTS = "CREATE TABLE effects (id bigserial, event_id text, stream text, version int)"
EFFECT = "INSERT INTO effects (event_id, stream, version) VALUES ($1, $2, $3)"
IMPATIENT = Limits(patience=0.3)
QUICK = Pace(poll=0.1, first_pause=0.2)


@pytest.fixture(autouse=True)
async def _effects(parts: Parts) -> None:
    owner = await asyncpg.connect(parts.superuser)
    await owner.execute(EFFECTS)
    await owner.execute("GRANT ALL ON effects, effects_id_seq TO PUBLIC")
    await owner.close()


@dataclass(slots=True)
class Moody:
    """A handler that notes its events, but for those that a test makes it refuse."""

    refused: dict[tuple[str, int], Exception] = field(default_factory=dict)
    tried: list[tuple[str, int]] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    async def __call__(self, handling: Handling) -> None:
        event = handling.event
        self.tried.append((event.key, event.version))
        self.traces.append(handling.origin.traceparent)
        await handling.connection.execute(EFFECT, event.id, event.stream, event.version)
        if error := self.refused.get((event.key, event.version)):
            raise error


def subscription(parts: Parts, handler: Moody) -> Subscription:
    return Subscription(f"causeway.{parts.topic}.effects", {orders.OrderConfirmed: handler})


def consumer(
    parts: Parts, pool: asyncpg.Pool, handler: Moody, limits: Limits = IMPATIENT
) -> Consumer:
    return Consumer(
        subscription(parts, handler),
        catalog=parts.catalog,
        pool=pool,
        kafka=parts.kafka,
        limits=limits,
    )


@asynccontextmanager
async def redriving(parts: Parts, pool: asyncpg.Pool, handler: Moody) -> AsyncIterator[None]:
    async with running(Redriver([subscription(parts, handler)], parts.catalog, pool, QUICK).run):
        yield


async def publish(parts: Parts, connection: asyncpg.Connection, counts: dict[str, int]) -> None:
    await append_many(parts, connection, counts)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))


async def effects(connection: asyncpg.Connection) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in await connection.fetch("SELECT stream, version FROM effects ORDER BY id"):
        found.setdefault(row["stream"].removeprefix("orders/"), []).append(row["version"])
    return found


async def parked(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch("SELECT * FROM bridge.parked ORDER BY id")
    return rows


async def parked_keys(connection: asyncpg.Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM bridge.parked_keys")
    return count


async def is_parked(connection: asyncpg.Connection) -> bool:
    return await parked_keys(connection) > 0


async def is_released(connection: asyncpg.Connection) -> bool:
    return await parked_keys(connection) == 0


async def count_is(connection: asyncpg.Connection, count: int) -> bool:
    return len(await parked(connection)) == count


async def first_tried(connection: asyncpg.Connection, count: int) -> bool:
    """Whether so many are left, and the first of them has failed by now."""
    rows = await parked(connection)
    return len(rows) == count and rows[0]["attempts"] > 0


async def handled(connection: asyncpg.Connection, wanted: dict[str, list[int]]) -> bool:
    return await effects(connection) == wanted


async def redrive(connection: asyncpg.Connection) -> None:
    """Ask for all as the bridge's API does."""
    await connection.execute("UPDATE bridge.parked SET redrive_time = now()")
    await connection.execute("NOTIFY bridge_parked")


async def discard(connection: asyncpg.Connection, parked_id: int) -> None:
    """Give one event up as the bridge's API does."""
    await connection.execute(
        "UPDATE bridge.parked SET discard_time = now(), discard_actor = 'users/root' WHERE id = $1",
        parked_id,
    )
    await connection.execute("NOTIFY bridge_parked")


async def rewind(parts: Parts) -> None:
    """Set the group's offsets to the start, as a crash before every commit would."""
    client = AIOKafkaConsumer(
        **parts.kafka.client(),
        group_id=f"causeway.{parts.topic}.effects",
        enable_auto_commit=False,
    )
    await client.start()
    partitions = [TopicPartition(parts.topic, number) for number in range(3)]
    client.assign(partitions)
    await client.commit(dict.fromkeys(partitions, 0))
    await client.stop()


async def send(parts: Parts, records: Sequence[tuple[bytes | None, bytes | None, Headers]]) -> None:
    """Put records on the topic past the store, as somebody else might."""
    producer = AIOKafkaProducer(**parts.kafka.client())
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(parts.topic, value, key, headers=list(headers))
    finally:
        await producer.stop()


async def more(parts: Parts) -> list[tuple[bytes | None, bytes | None, Headers]]:
    """One more event, of order o2, made of one that is there."""
    first = (await read_all(parts.kafka, parts.topic))[0]
    new = {"ce_id": str(uuid.uuid4()).encode(), "ce_subject": b"orders/o2", "ce_sequence": b"1"}
    headers = [(name, new.get(name, value)) for name, value in first.headers]
    return [(b"o2", first.value, headers)]


def versions(count: int) -> list[int]:
    return list(range(1, count + 1))


async def test_a_poison_event_parks_its_key_in_order_and_others_go_on(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("bad", 2): FailedPrecondition("not today", reason="NOT_TODAY")})
    counts = {"bad": 5} | {f"o{number}": 5 for number in range(12)}
    await publish(parts, connection, counts)
    async with running(consumer(parts, pool, moody).run):

        async def settled() -> bool:
            return sum(map(len, (await effects(connection)).values())) == 61

        await until(settled)

        async def all_parked() -> bool:
            return len(await parked(connection)) == 4

        await until(all_parked)
    rows = await parked(connection)
    assert await effects(connection) == {
        key: versions(1 if key == "bad" else count) for key, count in counts.items()
    }
    assert [row["reason"] for row in rows] == ["NOT_TODAY", *["KEY_PARKED"] * 3]
    assert [row["record_offset"] for row in rows] == sorted(row["record_offset"] for row in rows)
    assert rows[0]["attempts"] == 1
    assert rows[0]["next_attempt_time"] is None
    assert moody.tried.count(("bad", 3)) == 0


async def test_a_stack_digest_says_where_and_nothing_of_the_event(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 1): ValueError("somebody@example.org")})
    await publish(parts, connection, {"o1": 1})
    async with running(consumer(parts, pool, moody).run):

        async def one_parked() -> bool:
            return len(await parked(connection)) == 1

        await until(one_parked)
    [row] = await parked(connection)
    assert row["reason"] == "ValueError"
    assert " ValueError at tests.integration.bridge.test_parking:__call__:" in row["stack_digest"]
    assert "example.org" not in row["stack_digest"]


async def test_a_retriable_error_is_tried_in_place_then_parked_and_heals_by_itself(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 1): Unavailable("not yet")})
    await publish(parts, connection, {"o1": 3, "o2": 3})
    async with running(consumer(parts, pool, moody).run), redriving(parts, pool, moody):

        async def tried_again() -> bool:
            rows = await parked(connection)
            return bool(rows) and rows[0]["attempts"] > 5

        await until(tried_again)
        assert moody.tried.count(("o1", 1)) >= 6
        assert (await effects(connection)) == {"o2": [1, 2, 3]}
        moody.refused.clear()

        async def healed() -> bool:
            return not await parked_keys(connection)

        await until(healed)
    assert await effects(connection) == {"o1": [1, 2, 3], "o2": [1, 2, 3]}
    assert await parked(connection) == []


async def test_a_redrive_keeps_the_order_while_new_events_of_the_key_come(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 5): FailedPrecondition("no")})
    async with (
        relaying(parts),
        running(consumer(parts, pool, moody).run),
        redriving(parts, pool, moody),
    ):
        for version in range(300):
            await append(parts, connection, "o1", version)
            if version in (60, 130, 200):
                await until(lambda: is_parked(connection))
                moody.refused.clear()
                await redrive(connection)
            elif version in (100, 170):
                moody.refused = {("o1", version + 5): FailedPrecondition("no")}

        async def all_handled() -> bool:
            return len((await effects(connection)).get("o1", [])) == 300

        await until(all_handled)
        await until(lambda: is_released(connection))
    assert await effects(connection) == {"o1": versions(300)}
    assert await parked(connection) == []


async def test_a_discard_moves_one_event_out_and_releases_what_is_behind_it(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 2): FailedPrecondition("never")})
    await publish(parts, connection, {"o1": 4})
    async with running(consumer(parts, pool, moody).run), redriving(parts, pool, moody):

        async def all_parked() -> bool:
            return len(await parked(connection)) == 3

        await until(all_parked)
        first = (await parked(connection))[0]
        await discard(connection, first["id"])
        await until(lambda: is_released(connection))
    assert await effects(connection) == {"o1": [1, 3, 4]}
    [kept] = await connection.fetch("SELECT * FROM bridge.discarded")
    assert (kept["event_id"], kept["actor"]) == (first["event_id"], "users/root")
    assert (kept["value"], kept["headers"]) == (first["value"], first["headers"])
    moody.refused.clear()
    await rewind(parts)
    async with running(consumer(parts, pool, moody, Limits(batch=1)).run):
        await publish(parts, connection, {"o2": 1})

        async def passed() -> bool:
            return "o2" in await effects(connection)

        await until(passed)
    assert (await effects(connection))["o1"] == [1, 3, 4]
    assert await parked(connection) == []


async def test_a_long_backlog_is_redriven_in_order_up_to_the_next_that_fails(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 1): FailedPrecondition("no"), ("o1", 130): FailedPrecondition("no")})
    await publish(parts, connection, {"o1": 250})
    async with running(consumer(parts, pool, moody).run):
        await until(lambda: count_is(connection, 250))
    async with redriving(parts, pool, moody):
        del moody.refused["o1", 1]
        await redrive(connection)
        # What went before it is committed a moment before its own failure is.
        await until(lambda: first_tried(connection, 121))
        assert await effects(connection) == {"o1": versions(129)}
        first, second, *_ = await parked(connection)
        assert (first["attempts"], first["reason"]) == (1, "FAILED_PRECONDITION")
        assert (second["attempts"], second["reason"]) == (0, "KEY_PARKED")
        assert {row["redrive_time"] for row in await parked(connection)} == {None}
        moody.refused.clear()
        await redrive(connection)
        await until(lambda: is_released(connection))
    assert await effects(connection) == {"o1": versions(250)}


async def test_a_crash_before_the_offsets_parks_nothing_twice(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody({("o1", 2): FailedPrecondition("no")})
    await publish(parts, connection, {"o1": 4})
    async with running(consumer(parts, pool, moody).run):
        await until(lambda: count_is(connection, 3))
    before = [(row["id"], row["event_id"]) for row in await parked(connection)]
    await rewind(parts)
    async with running(consumer(parts, pool, moody).run):
        await append(parts, connection, "o1", 4)
        async with relaying(parts):
            await until(lambda: count_is(connection, 4))
    assert [(row["id"], row["event_id"]) for row in await parked(connection)][:3] == before
    assert await effects(connection) == {"o1": [1]}


async def test_a_broken_record_parks_its_key_and_one_without_a_key_itself_alone(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody()
    await send(parts, [(b"\xffkey", b"\x01broken", []), (None, b"?", [("x", b"\xff\x00")])])
    await publish(parts, connection, {"o1": 1})
    async with running(consumer(parts, pool, moody).run), redriving(parts, pool, moody):
        await until(lambda: count_is(connection, 2))
        await until(lambda: handled(connection, {"o1": [1]}))
        rows = {row["key"]: row for row in await parked(connection)}
        assert set(rows) == {r"\xffkey", None}
        assert (rows[None]["event_id"], rows[None]["value"]) == (None, b"?")
        assert {row["reason"] for row in rows.values()} == {"UNDECODABLE"}
        assert await parked_keys(connection) == 1
        for row in rows.values():
            await discard(connection, row["id"])
        await until(lambda: count_is(connection, 0))
        await until(lambda: is_released(connection))
    await rewind(parts)
    async with running(consumer(parts, pool, moody).run):
        await publish(parts, connection, {"o2": 1})
        await until(lambda: handled(connection, {"o1": [1], "o2": [1]}))
    assert await parked(connection) == []
    assert await connection.fetchval("SELECT count(*) FROM bridge.discarded") == 2


async def test_newer_code_handles_what_older_code_could_not_read_in_the_trace_of_its_request(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody, trace = Moody(), f"00-{'a' * 32}-{'b' * 16}-01"
    async with connection.transaction():
        await parts.store.append(
            connection, "orders/o1", 0, [confirmed("o1")], Origin(traceparent=trace)
        )
    await append(parts, connection, "o1", 1)
    older = replace(
        parts,
        catalog=Catalog({one.name: replace(one, indexes=(99,)) for one in parts.catalog}),
    )
    async with relaying(parts), running(consumer(older, pool, moody).run):
        await until(lambda: count_is(connection, 2))
    async with redriving(parts, pool, moody):
        await redrive(connection)
        await until(lambda: is_released(connection))
    assert await effects(connection) == {"o1": [1, 2]}
    assert moody.traces[0] == trace


async def test_a_member_that_lost_its_partition_parks_nothing_that_its_successor_handles(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, {"o1": 1})
    [record] = await read_all(parts.kafka, parts.topic)
    inbox = Inbox(subscription(parts, Moody()), (), parts.catalog, pool)
    successor = await asyncpg.connect(parts.dsn)
    try:
        for fails in (True, False):
            event = decode(record, parts.catalog)
            transaction = successor.transaction()
            await transaction.start()
            await inbox.apply(successor, [event])
            late = asyncio.create_task(inbox.park(record, Unavailable("x"), 3))
            await asyncio.sleep(0.3)
            assert not late.done(), "whether it is handled is not known yet"
            await (transaction.rollback() if fails else transaction.commit())
            await late
            assert len(await parked(connection)) == await parked_keys(connection) == int(fails)
            await connection.execute("DELETE FROM bridge.parked")
            await connection.execute("DELETE FROM bridge.parked_keys")
    finally:
        successor.terminate()


async def test_a_database_that_lets_nobody_in_parks_nothing(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    moody = Moody()
    name = parts.dsn.rpartition("/")[2]
    admin = await asyncpg.connect(parts.superuser.rpartition("/")[0] + "/postgres")
    await publish(parts, connection, {"o1": 3})
    one = consumer(parts, pool, moody)
    async with running(one.run):
        await until(lambda: handled(connection, {"o1": [1, 2, 3]}))
        connection.terminate()
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        await send(parts, await more(parts))
        await until(lambda: bool(one.blocked()))
        await asyncio.sleep(2 * IMPATIENT.patience)
        assert {held.reason for held in one.blocked()} == {"DATABASE_AWAY"}
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
        connection = await asyncpg.connect(parts.dsn)
        await until(lambda: handled(connection, {"o1": [1, 2, 3], "o2": [1]}))
    assert await parked(connection) == []
    assert await connection.fetchval("SELECT max(attempts) FROM bridge.inbox") == 1
    await connection.close()


async def test_a_batch_handler_is_given_the_events_of_a_transaction_in_order(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    sizes: list[int] = []

    async def batch(handlings: Sequence[Handling]) -> None:
        sizes.append(len(handlings))
        if any((one.event.key, one.event.version) == ("bad", 3) for one in handlings):
            raise FailedPrecondition("no")
        rows = [(one.event.id, one.event.stream, one.event.version) for one in handlings]
        await handlings[0].connection.executemany(EFFECT, rows)

    counts = {"bad": 5, **{f"o{number}": 5 for number in range(30)}}
    await publish(parts, connection, counts)
    projecting = replace(subscription(parts, Moody()), batch=batch)
    one = Consumer(projecting, catalog=parts.catalog, pool=pool, kafka=parts.kafka)
    wanted = {key: versions(2 if key == "bad" else 5) for key in counts}
    async with running(one.run):
        await until(lambda: handled(connection, wanted))
        await until(lambda: count_is(connection, 3))
    assert max(sizes) > 1
    assert [row["reason"] for row in await parked(connection)] == [
        "FAILED_PRECONDITION",
        "KEY_PARKED",
        "KEY_PARKED",
    ]
