"""How a redrive goes on where it gets nowhere, on real PostgreSQL."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from bridge.consumer.inbox import Inbox
from bridge.errors import Internal, StaleVersion, Unavailable
from bridge.events.codec import decode
from bridge.handling import Handling
from bridge.middleware.retry import MEETINGS
from bridge.parking.redrive import Pace, Redriver
from bridge.parking.turn import Turn
from bridge.parking.unit import Unit
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, running, until
from tests.integration.bridge.test_hanging import record

GROUP = "causeway.t.redrive"
PACE = Pace(poll=0.2, first_pause=60.0, longest_pause=60.0, at_once=1)
DUE = "UPDATE bridge.parked SET next_attempt_time = now()"
HOLD = "SELECT FROM bridge.parked_keys WHERE key = $1 FOR NO KEY UPDATE"


class Refusing:
    """A handler that raises one error, if it has any."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.tried: list[str] = []

    async def __call__(self, handling: Handling) -> None:
        self.tried.append(handling.event.key)
        if self.error is not None:
            raise self.error


def redriver(parts: Parts, pool: asyncpg.Pool, handler: Refusing) -> Redriver:
    group = Subscription(GROUP, {orders.OrderConfirmed: handler})
    return Redriver([group], parts.catalog, pool, PACE)


async def park(parts: Parts, pool: asyncpg.Pool, keys: list[str]) -> None:
    """Park an event of each of these keys, which are due in this order."""
    group = Subscription(GROUP, {orders.OrderConfirmed: Refusing()})
    inbox = Inbox(group, (), parts.catalog, pool)
    for offset, key in enumerate(keys):
        one = replace(record(parts), key=key.encode(), offset=offset)
        assert decode(one, parts.catalog)
        await inbox.park(one, Unavailable("x"), 1)
        await pool.execute(f"{DUE} WHERE key = $1", key)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The keys of all turns that begin."""
    begun: list[str | None] = []
    take = Turn.take

    async def noted(self: Turn, unit: Unit, stop: asyncio.Event) -> bool:
        begun.append(unit.key)
        return await take(self, unit, stop)

    monkeypatch.setattr(Turn, "take", noted)
    return begun


async def test_a_race_that_is_lost_again_and_again_is_an_attempt_and_has_a_pause(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    await park(parts, pool, ["o1"])
    racing = Refusing(StaleVersion("moved on"))

    async def counted() -> bool:
        return bool(await connection.fetchval("SELECT attempts FROM bridge.parked") == 2)

    async with running(redriver(parts, pool, racing).run):
        await until(counted)
        await asyncio.sleep(3 * PACE.poll)
    row = await connection.fetchrow(
        "SELECT reason, attempts, next_attempt_time > now() AS later FROM bridge.parked"
    )
    assert tuple(row) == ("STALE_VERSION", 2, True)
    assert len(racing.tried) == MEETINGS


async def test_a_key_that_another_redrive_has_is_looked_at_once_a_poll_while_others_go_on(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, turns: list[str | None]
) -> None:
    await park(parts, pool, ["o1", "o2"])
    handler = Refusing()
    async with connection.transaction():
        await connection.execute(HOLD, "o1")
        async with running(redriver(parts, pool, handler).run):
            await until(lambda: handler.tried == ["o2"], 5)
            await asyncio.sleep(5 * PACE.poll)
        assert 2 <= turns.count("o1") <= 8


async def test_a_turn_that_the_database_does_not_let_be_is_put_off_until_the_next_poll(
    parts: Parts, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, turns: list[str | None]
) -> None:
    async def dismissed(*_: object) -> bool:
        raise asyncpg.AdminShutdownError("x")

    monkeypatch.setattr(Unit, "lock", dismissed)
    await park(parts, pool, ["o1"])
    async with running(redriver(parts, pool, Refusing()).run):
        await asyncio.sleep(5 * PACE.poll)
    assert 2 <= len(turns) <= 6


async def test_a_failed_redrive_answers_who_asked_for_it(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    await park(parts, pool, ["o1"])
    await connection.execute(
        "UPDATE bridge.parked SET redrive_time = now(), redrive_actor = 'users/root'"
    )

    async def answered() -> bool:
        return bool(await connection.fetchval("SELECT redrive_time IS NULL FROM bridge.parked"))

    async with running(redriver(parts, pool, Refusing(Unavailable("not yet"))).run):
        await until(answered)
    assert await connection.fetchval("SELECT redrive_actor FROM bridge.parked") == ""


async def test_a_turn_that_is_cancelled_ends_the_redrive_loudly(
    parts: Parts, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(*_: object) -> bool:
        raise asyncio.CancelledError

    monkeypatch.setattr(Turn, "take", cancelled)
    await park(parts, pool, ["o1"])
    with pytest.raises(Internal, match="cancelled"):
        async with asyncio.timeout(10):
            await redriver(parts, pool, Refusing()).run(asyncio.Event())
