"""A worker is composed from a few values, and does all of a service's background work."""

import asyncio
import uuid
from contextlib import AsyncExitStack

import asyncpg

from bridge.handling import Handling
from bridge.subscription import Subscription
from bridge.worker import Work, Worker, compose
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, append, running, until

SOURCE = "/tests/worker"
"""No service's: heads go to the platform's own topic, where Orders would have a second history."""


def work(parts: Parts, pool: asyncpg.Pool, *subscriptions: Subscription) -> Work:
    return Work(
        source=SOURCE,
        dsn=parts.dsn,
        pool=pool,
        kafka=parts.kafka,
        catalog=parts.catalog,
        subscriptions=subscriptions,
    )


async def started(stack: AsyncExitStack, worker: Worker) -> None:
    for run in worker.background:
        await stack.enter_async_context(running(run))


def group() -> str:
    return f"t.{uuid.uuid4().hex}"


async def test_an_appended_event_comes_to_the_handlers_of_the_same_worker(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    seen: list[str] = []
    came = asyncio.Event()

    async def note(handling: Handling) -> None:
        seen.append(handling.event.stream)
        came.set()

    worker = await compose(work(parts, pool, Subscription(group(), {orders.OrderConfirmed: note})))
    async with AsyncExitStack() as stack:
        await started(stack, worker)
        await append(parts, connection, "o1", 0)
        async with asyncio.timeout(30):
            await came.wait()
        for probe in worker.ready.values():
            await probe()
    assert seen == ["orders/o1"]


async def test_a_group_that_is_not_live_is_registered_and_joins_nothing(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    async def never(handling: Handling) -> None:
        raise AssertionError("no member of this group consumes")

    name = group()
    silent = Subscription(name, {orders.OrderConfirmed: never}, live=False)
    worker = await compose(work(parts, pool, silent))
    async with AsyncExitStack() as stack:
        await started(stack, worker)
        await append(parts, connection, "o1", 0)
        await until(lambda: _drained(connection))
        for probe in worker.ready.values():
            await probe()
    row = await connection.fetchrow(
        "SELECT * FROM bridge.consumers WHERE consumer_group = $1", name
    )
    assert row is not None
    assert not row["live"]
    assert not await connection.fetchval("SELECT count(*) FROM bridge.inbox")


async def _drained(connection: asyncpg.Connection) -> bool:
    return not await connection.fetchval("SELECT count(*) FROM bridge.outbox")
