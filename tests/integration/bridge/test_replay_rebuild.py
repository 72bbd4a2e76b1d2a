"""Rebuilds on real PostgreSQL and Kafka: a projection from the first event on, swapped in."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count as numbers

import asyncpg
import pytest

from bridge.consumer.consumer import Consumer
from bridge.consumer.lanes import Limits
from bridge.database import acquire
from bridge.effects import deliveries
from bridge.errors import FailedPrecondition
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.kafka.span import committed
from bridge.parking.redrive import Pace, Redriver
from bridge.replay import rebuild
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    Parts,
    append,
    append_many,
    confirmed,
    outbox_is_empty,
    relaying,
    running,
    until,
)
from tests.integration.bridge.replaying import (
    COUNTS,
    ask,
    cancel,
    count,
    count_all,
    counted,
    ended,
    group_of,
    make_tables,
    projection,
    replay_of,
    replaying,
    shadows,
    stored,
)

MANY = {f"o{number}": 12 for number in range(40)}


@pytest.fixture(autouse=True)
async def _tables(parts: Parts) -> None:
    await make_tables(parts, COUNTS)


async def spoil(connection: asyncpg.Connection) -> None:
    """Rows as a projection with a bug left them."""
    await connection.execute("DELETE FROM counts WHERE customer < 'o2'")
    await connection.execute("UPDATE counts SET events = events + 7")
    await connection.execute("INSERT INTO counts (customer, events) VALUES ('ghost', 1)")


async def publish(parts: Parts, connection: asyncpg.Connection, counts: dict[str, int]) -> None:
    await append_many(parts, connection, counts)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))


@asynccontextmanager
async def consuming(parts: Parts, pool: asyncpg.Pool) -> AsyncIterator[Consumer]:
    one = Consumer(projection(parts), catalog=parts.catalog, pool=pool, kafka=parts.kafka)
    async with running(one.run):
        await until(lambda: one.assigned)
        yield one


@pytest.mark.parametrize("changes", [{}, {"batch": count_all}], ids=["one by one", "batch"])
async def test_a_projection_of_the_own_store_is_what_all_events_make(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, changes: dict[str, object]
) -> None:
    await append_many(parts, connection, MANY)
    await spoil(connection)
    async with replaying(parts, pool, projection(parts, live=False, **changes)):
        row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert (row["state"], row["error"]) == ("succeeded", "")
    assert row["events_done"] == row["events_total"] == sum(MANY.values())
    assert await counted(connection) == MANY
    assert await shadows(connection) == []
    # Nothing is noted for a group that nobody else feeds.
    assert not await connection.fetchval("SELECT count(*) FROM bridge.inbox")


async def test_rows_are_numbered_on_from_the_live_table(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    await connection.execute("INSERT INTO counts (customer, events) VALUES ('ghost', 1)")
    async with replaying(parts, pool, projection(parts, live=False)):
        await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert await connection.fetchval("SELECT min(id) FROM counts") > 1
    last = await connection.fetchval("SELECT max(id) FROM counts")
    sql = "INSERT INTO counts (customer, events) VALUES ('new', 1) RETURNING id"
    assert await connection.fetchval(sql) > last


async def test_a_projection_of_a_topic_is_rebuilt_while_its_group_and_its_writers_go_on(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    stop = asyncio.Event()
    versions: dict[str, int] = {}

    async def write() -> None:
        writer = await asyncpg.connect(parts.dsn)
        for number in numbers():
            if stop.is_set():
                break
            key = f"w{number % 30}"
            await append(parts, writer, key, versions.get(key, 0))
            versions[key] = versions.get(key, 0) + 1
        await writer.close()

    await publish(parts, connection, MANY)
    async with relaying(parts), consuming(parts, pool), replaying(parts, pool, projection(parts)):
        writing = asyncio.create_task(write())
        for _ in range(3):
            await asyncio.sleep(0.5)
            await spoil(connection)
            replay_id = await ask(connection, "rebuild", group_of(parts), origin="kafka")
            row = await ended(connection, replay_id, 60)
            assert (row["state"], row["error"]) == ("succeeded", "")
        stop.set()
        await writing
        wanted = await stored(connection)

        async def all_counted() -> bool:
            return sum((await counted(connection)).values()) >= sum(wanted.values())

        await until(all_counted)
        # A moment in which one that comes twice would show.
        await asyncio.sleep(1)
    assert await counted(connection) == wanted
    assert await shadows(connection) == []


async def test_what_the_shadow_has_handled_is_not_handled_by_the_group_after_it(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, MANY)
    async with replaying(parts, pool, projection(parts)):
        row = await ended(
            connection, await ask(connection, "rebuild", group_of(parts), origin="kafka")
        )
    assert row["state"] == "succeeded"
    async with consuming(parts, pool):

        async def caught_up() -> bool:
            return sum((await committed(parts.kafka, group_of(parts))).values()) == sum(
                MANY.values()
            )

        await until(caught_up)
    assert await counted(connection) == MANY


async def test_a_rebuild_leaves_the_offsets_and_members_of_its_group_alone(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, MANY)
    total = sum(MANY.values())
    async with consuming(parts, pool) as live:

        async def caught_up() -> bool:
            return sum((await committed(parts.kafka, group_of(parts))).values()) == total

        await until(caught_up)
        before = await committed(parts.kafka, group_of(parts))
        async with replaying(parts, pool, projection(parts)):
            await ended(
                connection, await ask(connection, "rebuild", group_of(parts), origin="kafka")
            )
        assert await committed(parts.kafka, group_of(parts)) == before
        assert live.assigned
    assert await counted(connection) == MANY


async def test_a_rebuild_finds_its_moment_although_its_group_is_always_in_a_transaction(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    handled = 0

    async def slow(handling: Handling) -> None:
        nonlocal handled
        handled += 1
        await asyncio.sleep(0.02)
        await count(handling)

    many = {f"o{number}": 60 for number in range(40)}
    await publish(parts, connection, many)
    live = Consumer(
        projection(parts, handlers={orders.OrderConfirmed: slow}),
        catalog=parts.catalog,
        pool=pool,
        kafka=parts.kafka,
        limits=Limits(batch=60),
    )
    async with running(live.run), replaying(parts, pool, projection(parts)):
        # Every lane is busy for more than a second at a time, one after the other.
        await until(lambda: handled > 4)
        replay_id = await ask(connection, "rebuild", group_of(parts), origin="kafka")
        row = await ended(connection, replay_id, 20)
        assert row["state"] == "succeeded"
        assert await counted(connection) == many

        async def caught_up() -> bool:
            return sum((await committed(parts.kafka, group_of(parts))).values()) == 2400

        await until(caught_up, 60)
    assert await counted(connection) == many


async def test_an_append_that_commits_late_is_in_the_projection(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    late = await asyncpg.connect(parts.dsn)
    try:
        transaction = late.transaction()
        await transaction.start()
        await parts.store.append(late, "orders/late", 0, [confirmed("late")], Origin())
        await append(parts, connection, "o1", 12)
        # A command writes the live row in the transaction of its event: the rebuild waits for it.
        await late.execute("INSERT INTO counts (customer, events) VALUES ('late', 1)")
        async with replaying(parts, pool, projection(parts, live=False)):
            replay_id = await ask(connection, "rebuild", group_of(parts))
            await asyncio.sleep(2)
            assert (await replay_of(connection, replay_id))["state"] == "running"
            # It steps aside again and again: others write the table meanwhile.
            async with asyncio.timeout(2):
                await connection.execute("UPDATE counts SET events = 1 WHERE customer = 'nobody'")
            await transaction.commit()
            row = await ended(connection, replay_id)
    finally:
        late.terminate()
    assert row["state"] == "succeeded"
    assert await counted(connection) == MANY | {"late": 1, "o1": 13}


async def test_a_command_that_waits_for_the_swap_writes_over_the_new_rows(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await append_many(parts, connection, MANY)
    late = await asyncpg.connect(parts.dsn)
    try:
        async with late.transaction():
            await parts.store.append(late, "orders/late", 0, [confirmed("late")], Origin())
            async with replaying(parts, pool, projection(parts, live=False)):
                row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
            assert row["state"] == "succeeded"
            await late.execute("INSERT INTO counts (customer, events) VALUES ('late', 1)")
    finally:
        late.terminate()
    assert await counted(connection) == await stored(connection)


CRASH = """
import asyncio, os, signal, sys
from bridge.database import open_pool
from bridge.parking.redrive import Pace, Redriver
from bridge.replay import rebuild
from bridge.replay.ledger import advance
from bridge.replay import passage
from tests.integration.bridge.parts import Parts, catalog_on, kafka_settings, store_on
from tests.integration.bridge.replaying import projection, replayer

dsn, topic, live, pages = sys.argv[1], sys.argv[2], sys.argv[3] == "live", int(sys.argv[4])
rebuild.PAGE = 50

async def die(*arguments):
    global pages
    pages -= 1
    await advance(*arguments)
    if pages == 0:
        # Inside the transaction: the page is not committed.
        os.kill(os.getpid(), signal.SIGKILL)

passage.advance = die

async def main():
    catalog = catalog_on(topic)
    parts = Parts("", "", dsn, kafka_settings(), topic, catalog, store_on(catalog))
    pool = await open_pool(dsn)
    await replayer(parts, pool, projection(parts, live=live)).run(asyncio.Event())

asyncio.run(main())
"""


@pytest.mark.parametrize(("live", "origin"), [("live", "kafka"), ("", "store")])
async def test_a_rebuild_goes_on_after_a_crash_without_repeating_or_skipping(
    parts: Parts,
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
    live: str,
    origin: str,
) -> None:
    await publish(parts, connection, MANY)
    replay_id = await ask(connection, "rebuild", group_of(parts), origin=origin)
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CRASH, parts.dsn, parts.topic, live, "4"
        )
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    row = await replay_of(connection, replay_id)
    assert row["state"] == "running"
    assert 0 < row["events_done"] < sum(MANY.values())
    assert await counted(connection) == {}
    monkeypatch.setattr(rebuild, "PAGE", 50)
    async with replaying(parts, pool, projection(parts, live=bool(live))):
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", sum(MANY.values()))
    assert await counted(connection) == MANY


async def test_a_cancelled_rebuild_ends_within_a_second_and_swaps_nothing(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def slow(handling: Handling) -> None:
        await count(handling)
        await asyncio.sleep(0.05)

    await append_many(parts, connection, MANY)
    await spoil(connection)
    before = await counted(connection)
    subscription = projection(parts, live=False, handlers={orders.OrderConfirmed: slow})
    async with replaying(parts, pool, subscription):
        replay_id = await ask(connection, "rebuild", group_of(parts))
        await asyncio.sleep(1)
        # Without a word: it is seen by asking.
        await connection.execute("UPDATE bridge.replays SET cancel_requested = true")
        row = await ended(connection, replay_id, 1.5)
    assert row["state"] == "cancelled"
    assert await counted(connection) == before
    assert await shadows(connection) == []


async def test_a_replay_that_waits_for_its_turn_can_be_cancelled(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    replay_id = await ask(connection, "rebuild", group_of(parts))
    await cancel(connection, replay_id)
    async with replaying(parts, pool, projection(parts, live=False)):
        assert (await ended(connection, replay_id))["state"] == "cancelled"


async def test_a_handler_that_fails_fails_the_rebuild_by_the_name_of_the_event(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def moody(handling: Handling) -> None:
        if handling.event.stream == "orders/o7" and handling.event.version == 3:
            raise FailedPrecondition("of alice@example.com", reason="NOT_TODAY")
        await count(handling)

    await append_many(parts, connection, MANY)
    await spoil(connection)
    before = await counted(connection)
    bad = await connection.fetchrow(
        "SELECT event_id::text AS id, position FROM bridge.events "
        "WHERE stream = 'orders/o7' AND version = 3"
    )
    subscription = projection(parts, live=False, handlers={orders.OrderConfirmed: moody})
    async with replaying(parts, pool, subscription):
        row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert row["state"] == "failed"
    assert row["error"].startswith(f"NOT_TODAY: event {bad['id']} ")
    assert f"position {bad['position']}" in row["error"]
    assert "alice" not in row["error"]
    assert await counted(connection) == before
    assert await shadows(connection) == []


OUTSIDE = {
    "the live table": "INSERT INTO public.counts (customer, events) VALUES ($1, 1)",
    "another table": "INSERT INTO others (name) VALUES ($1)",
}


@pytest.mark.parametrize("sql", OUTSIDE.values(), ids=OUTSIDE)
async def test_a_handler_that_writes_outside_of_the_shadow_fails_the_rebuild(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, sql: str
) -> None:
    async def stray(handling: Handling) -> None:
        await handling.connection.execute(sql, handling.event.key)

    await make_tables(parts, "CREATE TABLE others (name text)")
    await append_many(parts, connection, {"o1": 1})
    subscription = projection(parts, live=False, handlers={orders.OrderConfirmed: stray})
    async with replaying(parts, pool, subscription):
        row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert row["state"] == "failed"
    assert "WRITES_OUTSIDE" in row["error"]
    assert await counted(connection) == {}
    assert not await connection.fetchval("SELECT count(*) FROM others")


async def test_a_rebuild_enqueues_no_effect(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def tell(handling: Handling) -> None:
        await count(handling)
        await deliveries.enqueue(handling, "email", "users/u1", b"")

    await append_many(parts, connection, {"o1": 2})
    subscription = projection(
        parts, live=False, handlers={orders.OrderConfirmed: tell}, effects=("email",)
    )
    async with replaying(parts, pool, subscription):
        row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert row["state"] == "succeeded"
    assert not await connection.fetchval("SELECT count(*) FROM bridge.deliveries")


async def test_a_table_that_others_refer_to_is_not_rebuilt(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await make_tables(parts, "CREATE TABLE notes (customer text REFERENCES counts)")
    async with replaying(parts, pool, projection(parts, live=False)):
        row = await ended(connection, await ask(connection, "rebuild", group_of(parts)))
    assert row["state"] == "failed"
    assert "notes has a foreign key to counts" in row["error"]


async def test_a_migration_in_the_middle_begins_the_rebuild_anew(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, MANY)
    replay_id = await ask(connection, "rebuild", group_of(parts))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASH, parts.dsn, parts.topic, "", "4"
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    await make_tables(parts, "ALTER TABLE counts ADD COLUMN note text NOT NULL DEFAULT 'new'")
    async with replaying(parts, pool, projection(parts, live=False)):
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", sum(MANY.values()))
    assert await counted(connection) == MANY


CLAIM = """
INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
SELECT $1, event_id, 0 FROM bridge.events ORDER BY position LIMIT 1
"""
PARK = """
INSERT INTO bridge.parked (
    consumer_group, key, event_id, type, topic, partition, record_offset, headers, reason, attempts,
    stack_digest
) SELECT $1, 'o1', event_id, type, 't', 0, position, '[]', 'NOT_TODAY', 1, '' FROM bridge.events
ORDER BY position LIMIT 1
"""
HELD = "SELECT FROM bridge.parked FOR UPDATE"


async def test_a_swap_gives_way_to_who_is_about_to_park_an_event(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, MANY)
    async with acquire(pool) as parker, replaying(parts, pool, projection(parts)):
        async with parker.transaction():
            await parker.execute(CLAIM, group_of(parts))
            replay_id = await ask(connection, "rebuild", group_of(parts), origin="kafka")
            await met(connection, replay_id)
            await parker.execute("DELETE FROM bridge.inbox")
        row = await ended(connection, replay_id)
    assert (row["state"], row["error"]) == ("succeeded", "")
    assert await counted(connection) == MANY


async def test_a_rebuild_has_not_succeeded_before_what_is_parked_may_leave_its_key(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    """Between the two there is no crash: whoever has the parked event keeps the swap from it."""
    await publish(parts, connection, MANY)
    await connection.execute(PARK, group_of(parts))
    async with acquire(pool) as other, replaying(parts, pool, projection(parts)):
        async with other.transaction():
            await other.execute(HELD)
            replay_id = await ask(connection, "rebuild", group_of(parts), origin="kafka")
            await met(connection, replay_id)
            assert await counted(connection) == {}
        row = await ended(connection, replay_id)
    assert (row["state"], row["error"]) == ("succeeded", "")
    assert await connection.fetchval("SELECT redrive_time IS NOT NULL FROM bridge.parked")
    assert await counted(connection) == MANY


async def met(connection: asyncpg.Connection, replay_id: str) -> None:
    """Wait until all is handled and the swap has tried for longer than it waits for a lock."""

    async def handled() -> bool:
        return bool((await replay_of(connection, replay_id))["events_done"] == sum(MANY.values()))

    await until(handled)
    await asyncio.sleep(1.5)
    assert (await replay_of(connection, replay_id))["state"] == "running"


async def test_keys_that_are_redriven_all_the_time_are_released_by_a_rebuild(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def moody(handling: Handling) -> None:
        if handling.event.key.startswith("o1"):
            raise FailedPrecondition("not today", reason="NOT_TODAY")
        await count(handling)

    bad = projection(parts, handlers={orders.OrderConfirmed: moody})
    live = Consumer(bad, catalog=parts.catalog, pool=pool, kafka=parts.kafka)
    redriver = Redriver([bad], parts.catalog, pool, Pace(poll=0.01))
    stuck = {key: number for key, number in MANY.items() if key.startswith("o1")}
    await publish(parts, connection, MANY)

    async def parked(number: int) -> bool:
        found: int = await connection.fetchval("SELECT count(*) FROM bridge.parked")
        return found == number

    async with running(live.run), running(redriver.run):
        await until(lambda: parked(sum(stuck.values())))
        asking = asyncio.create_task(redrive_all(parts))
        async with replaying(parts, pool, projection(parts)):
            replay_id = await ask(connection, "rebuild", group_of(parts), origin="kafka")
            row = await ended(connection, replay_id)
        asking.cancel()
        assert (row["state"], row["error"]) == ("succeeded", "")
        await until(lambda: parked(0))
    assert not await connection.fetchval("SELECT count(*) FROM bridge.parked_keys")
    assert await counted(connection) == MANY


async def redrive_all(parts: Parts) -> None:
    """Ask again and again, as somebody who loses patience."""
    connection = await asyncpg.connect(parts.dsn)
    try:
        while True:
            await connection.execute("UPDATE bridge.parked SET redrive_time = now()")
            await connection.execute("NOTIFY bridge_parked")
            await asyncio.sleep(0.02)
    finally:
        connection.terminate()
