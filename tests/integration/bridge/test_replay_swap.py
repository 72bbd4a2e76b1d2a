"""The moment in which a rebuilt projection takes the place of the live one."""

import asyncio

import asyncpg
import pytest

from bridge.consumer.consumer import Consumer
from bridge.consumer.lanes import Limits
from bridge.database import acquire
from bridge.errors import FailedPrecondition
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.kafka.span import committed
from bridge.parking.redrive import Pace, Redriver
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, append, append_many, confirmed, running, until
from tests.integration.bridge.replaying import (
    COUNTS,
    MANY,
    ask,
    count,
    counted,
    ended,
    group_of,
    make_tables,
    projection,
    publish,
    replay_of,
    replaying,
    stored,
)

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


@pytest.fixture(autouse=True)
async def _tables(parts: Parts) -> None:
    await make_tables(parts, COUNTS)


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
