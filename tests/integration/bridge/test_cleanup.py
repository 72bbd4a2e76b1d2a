"""Clean-up on real PostgreSQL: bounded, and never of what is still needed."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from bridge.database import acquire
from bridge.store.cleanup import LOCK, Cleaner, Retention, Rhythm
from tests.integration.bridge.parts import Parts, append, running, until

QUICK = Rhythm(between_rounds=0.02, between_batches=0.0, batch=10)
GROUP = "causeway.orders.stock"
TABLES = ("inbox", "requests", "deliveries", "outbox", "parked", "events")


@pytest.fixture
async def aged(parts: Parts, connection: asyncpg.Connection) -> asyncpg.Connection:
    """Of each table, 25 rows of each age: 1, 10, 20 and 40 days; one event in the outbox."""
    await append(parts, connection, "o1", 0)
    await connection.execute(
        "INSERT INTO bridge.consumers (consumer_group, topics, types) VALUES ($1, '{}', '{}'),"
        " ('causeway.orders.quiet', '{}', '{}')",
        GROUP,
    )
    for days in (1, 10, 20, 40):
        ago = timedelta(days=days)
        await connection.execute(
            "INSERT INTO bridge.inbox (consumer_group, event_id, attempts, time)"
            " SELECT $1, gen_random_uuid(), 1, now() - $2::interval FROM generate_series(1, 25)",
            GROUP,
            ago,
        )
        await connection.execute(
            "INSERT INTO bridge.requests (caller, method, request_id, body, time)"
            " SELECT 'a', 'm', gen_random_uuid(), '', now() - $1::interval"
            " FROM generate_series(1, 25)",
            ago,
        )
        for state in ("pending", "sent", "failed", "unrecorded"):
            await connection.execute(
                "INSERT INTO bridge.deliveries (id, effect, recipient, event_id, payload, state,"
                " actor, correlation_id, traceparent, create_time, end_time)"
                " SELECT gen_random_uuid(), 'mail', 'users/u1', gen_random_uuid(), '', $2, '', '',"
                " '', now() - $1::interval, CASE $2 WHEN 'pending' THEN NULL"
                " ELSE now() - $1::interval END FROM generate_series(1, 25)",
                ago,
                state,
            )
        await connection.execute(
            "INSERT INTO bridge.parked (consumer_group, type, topic, partition, record_offset,"
            " headers, reason, attempts, stack_digest, park_time)"
            " SELECT $1, '', 't', 0, n + $3, '{}', 'X', 1, '', now() - $2::interval"
            " FROM generate_series(1, 25) AS n",
            GROUP,
            ago,
            days * 100,
        )
    return connection


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"SELECT count(*) FROM bridge.{table}")  # noqa: S608
        for table in TABLES
    }


async def test_only_what_is_old_enough_and_over_is_forgotten(
    aged: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async with running(Cleaner(pool, rhythm=QUICK).run):
        await until(lambda: inbox_is(aged, 75))
        await until(lambda: deliveries_are(aged, 350))
    assert await counts(aged) == {
        "inbox": 75,
        "requests": 50,
        "deliveries": 350,
        "outbox": 1,
        "parked": 100,
        "events": 1,
    }
    kept = await aged.fetch(
        "SELECT state FROM bridge.deliveries WHERE create_time < now() - interval '30 days'"
        " GROUP BY state ORDER BY state"
    )
    assert [row["state"] for row in kept] == ["pending", "unrecorded"]


async def inbox_is(connection: asyncpg.Connection, count: int) -> bool:
    return bool((await counts(connection))["inbox"] == count)


async def deliveries_are(connection: asyncpg.Connection, count: int) -> bool:
    return bool((await counts(connection))["deliveries"] == count)


async def test_a_group_knows_from_when_on_its_inbox_is_whole(
    aged: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await Cleaner(pool, Retention(inbox=timedelta(days=15)), QUICK).round(asyncio.Event())
    rows = await aged.fetch(
        "SELECT inbox_start_time,"
        " inbox_start_time <= (SELECT min(time) FROM bridge.inbox) AS whole,"
        " now() - inbox_start_time BETWEEN interval '15 days' AND interval '15 days 1 minute'"
        " AS close FROM bridge.consumers ORDER BY consumer_group"
    )
    quiet, busy = rows
    assert quiet["inbox_start_time"] is None
    assert busy["whole"]
    assert busy["close"]
    assert (await counts(aged))["inbox"] == 50


async def test_a_transaction_forgets_no_more_than_a_batch(
    aged: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    """Stopped after the first batch: what it left is whole."""
    stop = asyncio.Event()
    slow = Rhythm(between_batches=60, batch=10)
    cleaning = asyncio.create_task(Cleaner(pool, rhythm=slow).round(stop))
    await until(lambda: inbox_is(aged, 90))
    await asyncio.sleep(0.1)
    assert (await counts(aged))["inbox"] == 90
    stop.set()
    assert await cleaning == {"inbox": 10, "requests": 0, "deliveries": 0}


async def test_one_worker_at_a_time(aged: asyncpg.Connection, pool: asyncpg.Pool) -> None:
    before = await counts(aged)
    async with acquire(pool) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        gone = await Cleaner(pool, rhythm=QUICK).round(asyncio.Event())
    assert set(gone.values()) == {0}
    assert await counts(aged) == before
    gone = await Cleaner(pool, rhythm=QUICK).round(asyncio.Event())
    assert gone == {"inbox": 25, "requests": 50, "deliveries": 50}


async def test_the_first_round_comes_after_the_pause(
    aged: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    """After an outage the consumers catch up while their inbox is whole."""
    before = await counts(aged)
    async with running(Cleaner(pool).run):
        await asyncio.sleep(0.3)
    assert await counts(aged) == before


async def test_it_outlives_the_loss_of_its_connections(
    aged: asyncpg.Connection, parts: Parts, pool: asyncpg.Pool
) -> None:
    superuser = await asyncpg.connect(parts.superuser)
    async with running(Cleaner(pool, rhythm=QUICK).run):
        await until(lambda: inbox_is(aged, 75))
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), $1)",
            aged.get_server_pid(),
        )
        await aged.execute("UPDATE bridge.inbox SET time = now() - interval '31 days'")
        await until(lambda: inbox_is(aged, 0))
    await superuser.close()


async def test_a_table_that_fails_does_not_keep_the_others_from_their_turn(
    aged: asyncpg.Connection, parts: Parts
) -> None:
    impatient = await asyncpg.create_pool(parts.dsn, min_size=1, command_timeout=0.5)
    try:
        async with aged.transaction():
            await aged.execute("LOCK TABLE bridge.inbox IN ACCESS EXCLUSIVE MODE")
            gone = await Cleaner(impatient, rhythm=QUICK).round(asyncio.Event())
    finally:
        await impatient.close()
    assert gone == {"inbox": 0, "requests": 50, "deliveries": 50}
