"""Rebuilds on real PostgreSQL and Kafka: a projection from the first event on, swapped in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count as numbers

import asyncpg
import pytest

from bridge.consumer.consumer import Consumer
from bridge.effects import deliveries
from bridge.errors import FailedPrecondition
from bridge.handling import Handling
from bridge.kafka.span import committed
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import (
    Parts,
    append,
    append_many,
    relaying,
    running,
    until,
)
from tests.integration.bridge.replaying import (
    COUNTS,
    MANY,
    ask,
    cancel,
    count,
    count_all,
    counted,
    ended,
    group_of,
    make_tables,
    projection,
    publish,
    replaying,
    shadows,
    stored,
)


@pytest.fixture(autouse=True)
async def _tables(parts: Parts) -> None:
    await make_tables(parts, COUNTS)


async def spoil(connection: asyncpg.Connection) -> None:
    """Rows as a projection with a bug left them."""
    await connection.execute("DELETE FROM counts WHERE customer < 'o2'")
    await connection.execute("UPDATE counts SET events = events + 7")
    await connection.execute("INSERT INTO counts (customer, events) VALUES ('ghost', 1)")


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
