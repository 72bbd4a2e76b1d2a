"""The event store, its rights and request ids on real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from bridge.errors import FailedPrecondition, InvalidArgument, StaleVersion
from bridge.events.event import Origin
from bridge.events.size import MAX_RECORD_BYTES
from bridge.migrations import migrate
from bridge.store.requests import claim, settle
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, append, confirmed

ORIGIN = Origin(
    actor="users/u1",
    client="causeway-cli",
    method="/causeway.orders.v1.OrderService/CreateOrder",
    request_id="r1",
    correlation_id="c1",
    causation_id="e0",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


async def test_a_stream_is_read_back_as_it_was_written(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    messages = [orders.OrderCreated(order_id="o1"), confirmed("o1")]
    async with connection.transaction():
        written = await parts.store.append(connection, "orders/o1", 0, messages, ORIGIN)
    assert [event.version for event in written] == [1, 2]
    assert await parts.store.load(connection, "orders/o1") == written
    assert await parts.store.load(connection, "orders/o1", 1) == written[1:]
    assert written[0].origin == ORIGIN
    queued = await connection.fetch("SELECT position FROM bridge.outbox ORDER BY position")
    assert [row["position"] for row in queued] == [event.position for event in written]


async def test_without_a_correlation_the_first_event_begins_one(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    messages = [orders.OrderCreated(order_id="o1"), confirmed("o1")]
    async with connection.transaction():
        first, second = await parts.store.append(connection, "orders/o1", 0, messages, Origin())
    assert first.origin.correlation_id == second.origin.correlation_id == first.id


@pytest.mark.parametrize("expected", [0, 2])
async def test_another_version_than_the_expected_one_is_stale(
    parts: Parts, connection: asyncpg.Connection, expected: int
) -> None:
    await append(parts, connection, "o1", 0)
    with pytest.raises(StaleVersion):
        await append(parts, connection, "o1", expected)
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 1
    assert await connection.fetchval("SELECT count(*) FROM bridge.outbox") == 1


async def test_of_appends_that_meet_one_wins(parts: Parts, pool: asyncpg.Pool) -> None:
    async def one() -> bool:
        async with pool.acquire() as connection:
            try:
                await append(parts, connection, "o1", 0)
            except StaleVersion:
                return False
            return True

    assert sum(await asyncio.gather(*(one() for _ in range(10)))) == 1


async def test_an_append_that_waits_for_another_gets_no_gap(
    parts: Parts, pool: asyncpg.Pool
) -> None:
    """Version 2 can't be written while version 1 may still vanish."""
    async with pool.acquire() as first, pool.acquire() as second:
        transaction = first.transaction()
        await transaction.start()
        await parts.store.append(first, "orders/o1", 0, [confirmed("o1")], Origin())
        with pytest.raises(StaleVersion):
            await append(parts, second, "o1", 1)
        await transaction.rollback()


async def test_an_event_of_another_stream_or_without_a_key_is_refused(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    with pytest.raises(InvalidArgument) as mismatch:
        await parts.store.append(connection, "orders/o2", 0, [confirmed("o1")], Origin())
    assert mismatch.value.reason == "STREAM_MISMATCH"
    with pytest.raises(InvalidArgument) as empty:
        await parts.store.append(connection, "orders/", 0, [confirmed("")], Origin())
    assert empty.value.reason == "EMPTY_KEY"


async def test_an_event_that_kafka_cannot_take_is_refused_at_the_append(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    message = orders.OrderRejected(order_id="o1", reason="x" * MAX_RECORD_BYTES)
    with pytest.raises(InvalidArgument) as refused:
        await parts.store.append(connection, "orders/o1", 0, [message], Origin())
    assert refused.value.reason == "EVENT_TOO_LARGE"
    assert await connection.fetchval("SELECT count(*) FROM bridge.outbox") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bridge.events SET actor = 'x'",
        "DELETE FROM bridge.events",
        "TRUNCATE bridge.events",
        "UPDATE bridge.seals SET seq = 0",
        "DELETE FROM bridge.seals",
        "DELETE FROM bridge.published",
        "ALTER TABLE bridge.events DROP COLUMN actor",
        "DELETE FROM public._pogo_migration",
        "CREATE TABLE public.mine ()",
    ],
)
async def test_the_service_role_cannot_rewrite_history(
    parts: Parts, connection: asyncpg.Connection, statement: str
) -> None:
    await append(parts, connection, "o1", 0)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


async def test_migrations_run_again_and_side_by_side_change_nothing(parts: Parts) -> None:
    name = parts.dsn.rpartition("/")[2]
    await asyncio.gather(*(migrate(parts.owner, name) for _ in range(3)))


async def command(pool: asyncpg.Pool, resource: str, caller: str = "alice") -> str:
    async with pool.acquire() as connection, connection.transaction():
        first = await claim(connection, caller, "/m", "r1", b"digest")
        if first is not None:
            return first
        await asyncio.sleep(0.1)
        await settle(connection, caller, "/m", "r1", resource)
        return resource


async def test_concurrent_duplicates_of_one_request_give_one_result(pool: asyncpg.Pool) -> None:
    results = await asyncio.gather(*(command(pool, f"orders/{n}") for n in range(8)))
    assert len(set(results)) == 1


async def test_a_request_that_rolled_back_is_taken_by_the_next(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await claim(connection, "alice", "/m", "r1", b"digest") is None
        waiting = asyncio.create_task(command(pool, "orders/2"))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await transaction.rollback()
        assert await waiting == "orders/2"


async def test_a_request_id_belongs_to_its_caller_and_its_body(pool: asyncpg.Pool) -> None:
    assert await command(pool, "orders/1") == "orders/1"
    assert await command(pool, "orders/2", caller="bob") == "orders/2"
    async with pool.acquire() as connection, connection.transaction():
        with pytest.raises(FailedPrecondition):
            await claim(connection, "alice", "/m", "r1", b"another")
