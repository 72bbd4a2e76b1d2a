"""A lane on a real PostgreSQL that does not answer, and on handlers that are slow or cancelled."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from bridge.consumer.inbox import Inbox
from bridge.consumer.lane import Lane
from bridge.consumer.progress import Progress
from bridge.database import open_pool
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.wire import wire_prefix
from bridge.handling import Handler, Handling
from bridge.middleware.timeout import timeout
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, confirmed, running, until
from tests.unit.bridge.records import FakeRecord

GROUP = "causeway.t.hanging"
GATE = "SELECT pg_advisory_lock(1937203568, hashtext($1))"
OPEN = "SELECT pg_advisory_unlock(1937203568, hashtext($1))"
SECONDS = 0.3
"""Of each statement; more than the lane's patience."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.middleware.retry.AWAY_PAUSE", 0.05)


def record(parts: Parts) -> FakeRecord:
    message = confirmed("o1")
    kind = parts.catalog.type_of(message)
    origin = Origin(actor="users/u1")
    told = headers(
        str(uuid.uuid4()), kind, "/causeway/orders", "orders/o1", 1, datetime.now(UTC), 1, origin
    )
    value = wire_prefix(1, kind.indexes) + message.SerializeToString()
    return FakeRecord(key=b"o1", value=value, headers=told)


@asynccontextmanager
async def lane_on(
    parts: Parts, dsn: str, handler: Handler, limit: float = 30.0
) -> AsyncIterator[tuple[Lane, Progress]]:
    """A lane that is at work on one event."""
    pool = await open_pool(dsn, command_timeout=SECONDS)
    group = Subscription(GROUP, {orders.OrderConfirmed: handler})
    lane = Lane(GROUP, Inbox(group, (timeout(limit),), parts.catalog, pool), 10, patience=0.1)
    progress = Progress()
    progress.begin(0)
    lane.put(progress, record(parts))
    try:
        async with running(lambda _: lane.run()):
            try:
                yield lane, progress
            finally:
                lane.close()
    finally:
        pool.terminate()


class Line:
    """What lies between a pool and its server, and may carry nothing for a while."""

    def __init__(self, dsn: str) -> None:
        self._server = urlsplit(dsn)
        self.open = asyncio.Event()
        self.open.set()
        self._ways: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """Give the DSN of its near end."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        who = self._server.netloc.rpartition("@")[0]
        try:
            yield urlunsplit(self._server._replace(netloc=f"{who}@127.0.0.1:{port}"))
        finally:
            server.close()
            for way in self._ways:
                way.cancel()
            await asyncio.gather(*self._ways, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection(self._server.hostname, self._server.port)
        self._ways.append(asyncio.create_task(self._one_way(near, forth)))
        self._ways.append(asyncio.create_task(self._one_way(far, back)))

    async def _one_way(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    await self.open.wait()
                    sink.write(data)
        finally:
            sink.close()
            with suppress(ConnectionError):
                await sink.wait_closed()


async def reasons(connection: asyncpg.Connection) -> list[str]:
    return [row["reason"] for row in await connection.fetch("SELECT reason FROM bridge.parked")]


async def nothing(_: Handling) -> None: ...


def is_away(lane: Lane) -> Callable[[], bool]:
    return lambda: [one.reason for one in lane.blocked()] == ["DATABASE_AWAY"]


async def test_a_gate_that_stays_shut_for_longer_than_a_statement_may_take_parks_nothing(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await connection.execute(GATE, GROUP)
    async with lane_on(parts, parts.dsn, nothing) as (lane, progress):
        await until(is_away(lane))
        await asyncio.sleep(2 * SECONDS)
        assert is_away(lane)()
        await connection.execute(OPEN, GROUP)
        await until(lambda: progress.committable() == 1)
    assert await reasons(connection) == []
    assert await connection.fetchval("SELECT attempts FROM bridge.inbox") == 1


@pytest.mark.parametrize("limit", [30.0, SECONDS / 2], ids=["statement", "handler"])
async def test_a_database_that_hangs_while_a_handler_asks_it_parks_nothing(
    parts: Parts, connection: asyncpg.Connection, limit: float
) -> None:
    """Whichever limit ends the handler: the rollback is not answered either."""
    line = Line(parts.dsn)
    frozen: list[bool] = []

    async def asks(handling: Handling) -> None:
        if not frozen:
            frozen.append(True)
            line.open.clear()
        await handling.connection.fetchval("SELECT 1")

    async with line.laid() as dsn, lane_on(parts, dsn, asks, limit) as (lane, progress):
        await until(is_away(lane))
        await asyncio.sleep(2 * SECONDS)
        assert is_away(lane)()
        line.open.set()
        await until(lambda: progress.committable() == 1)
        assert await reasons(connection) == []


async def own_statement(handling: Handling) -> None:
    await handling.connection.execute("SELECT pg_sleep(5)")


async def somebody_elses(_: Handling) -> None:
    async with asyncio.timeout(0.2):
        await asyncio.sleep(5)


@pytest.mark.parametrize("handler", [own_statement, somebody_elses])
async def test_a_handler_that_is_slow_while_the_database_answers_is_parked(
    parts: Parts, connection: asyncpg.Connection, handler: Callable[[Handling], Awaitable[None]]
) -> None:
    async with lane_on(parts, parts.dsn, handler) as (_, progress):
        await until(lambda: progress.committable() == 1)
    assert await reasons(connection) == ["TimeoutError"]


async def waits_for_what_is_cancelled(_: Handling) -> None:
    call = asyncio.get_running_loop().create_future()
    call.cancel()
    await call


async def test_a_call_that_is_cancelled_under_a_handler_fails_its_event_and_not_the_lane(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    async with lane_on(parts, parts.dsn, waits_for_what_is_cancelled) as (_, progress):
        await until(lambda: progress.committable() == 1)
    [row] = await connection.fetch("SELECT * FROM bridge.parked")
    assert row["reason"] == "CANCELLED"
    assert row["next_attempt_time"] is not None
    assert "test_hanging:waits_for_what_is_cancelled" in row["stack_digest"]
