"""Group commit on real PostgreSQL: shared, and yet each append for itself."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from bridge.database import acquire, open_pool
from bridge.errors import InvalidArgument, StaleVersion, Unavailable
from bridge.events.event import Event, Origin
from bridge.store.group_commit import GroupCommit
from tests.integration.bridge.parts import Parts, append, confirmed, until


@pytest.fixture
def group(parts: Parts, pool: asyncpg.Pool) -> GroupCommit:
    return GroupCommit(pool, parts.store)


async def one(group: GroupCommit, key: str, version: int = 0, count: int = 1) -> list[Event]:
    return await group.append(f"orders/{key}", version, [confirmed(key)] * count, Origin())


async def transactions(connection: asyncpg.Connection) -> int:
    return len(await connection.fetch("SELECT DISTINCT xmin::text FROM bridge.events"))


async def test_appends_that_come_together_share_a_transaction(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    written = await asyncio.gather(*(one(group, f"o{n}", count=n % 3 + 1) for n in range(32)))
    assert await transactions(connection) <= 2
    for number, events in enumerate(written):
        assert await parts.store.load(connection, f"orders/o{number}") == events
    positions = await connection.fetch("SELECT position FROM bridge.events ORDER BY 1")
    assert await connection.fetch("SELECT position FROM bridge.outbox ORDER BY 1") == positions


async def test_an_append_of_a_group_wakes_the_relay(
    connection: asyncpg.Connection, group: GroupCommit
) -> None:
    woken = asyncio.Event()
    await connection.add_listener("bridge_outbox", lambda *_: woken.set())
    await one(group, "o1")
    async with asyncio.timeout(5):
        await woken.wait()


async def test_a_stale_append_fails_alone(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    await append(parts, connection, "old", 0)
    keys = ["a", "old", "b", "ahead", "c"]
    versions = [0, 0, 0, 3, 0]
    outcomes = await asyncio.gather(
        *(one(group, key, version, 2) for key, version in zip(keys, versions, strict=True)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, StaleVersion) for outcome in outcomes] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 7
    # Stored by the append before, and by one group.
    assert await transactions(connection) == 2


async def test_of_those_that_meet_on_a_stream_in_one_group_one_wins(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    outcomes = await asyncio.gather(
        *(one(group, "o1", count=2) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 4
    assert [event.version for event in await parts.store.load(connection, "orders/o1")] == [1, 2]


async def test_a_stream_that_another_process_writes_is_waited_for_and_then_stale(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    """The other one writes one event; of our two, the second must not slip in behind it."""
    transaction = connection.transaction()
    await transaction.start()
    await parts.store.append(connection, "orders/met", 0, [confirmed("met")], Origin())
    met = asyncio.create_task(one(group, "met", count=2))
    beside = asyncio.create_task(one(group, "beside", count=2))
    await asyncio.sleep(0.2)
    assert not met.done()
    await transaction.commit()
    assert [event.version for event in await beside] == [1, 2]
    with pytest.raises(StaleVersion):
        await met
    assert len(await parts.store.load(connection, "orders/met")) == 1


async def test_groups_of_several_processes_never_wait_for_each_other(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    """Three of them write the same streams in different orders: one wins each version."""
    groups = [GroupCommit(pool, parts.store) for _ in range(3)]
    keys = [f"o{n}" for n in range(20)]
    for version in range(5):
        orders = (keys, keys[::-1], keys[7:] + keys[:7])
        outcomes = await asyncio.gather(
            *(
                one(group, key, version)
                for group, order in zip(groups, orders, strict=True)
                for key in order
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, list) for outcome in outcomes) == 20
        assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 40
    assert await connection.fetchval("SELECT max(version) FROM bridge.events") == 5


async def test_what_a_caller_writes_beside_its_events_is_in_their_transaction(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    async def note(own: asyncpg.Connection, events: Sequence[Event]) -> None:
        await own.execute(
            "INSERT INTO bridge.requests (caller, method, request_id, body)"
            " VALUES ($1, '', '', '')",
            events[0].stream,
        )

    await asyncio.gather(
        *(
            group.append(f"orders/o{n}", 0, [confirmed(f"o{n}")], Origin(), then=note)
            for n in range(8)
        )
    )
    same = await connection.fetchval(
        "SELECT count(*) FROM bridge.requests JOIN bridge.events"
        " ON caller = stream AND requests.xmin = events.xmin"
    )
    assert same == 8


async def test_a_caller_whose_own_writes_fail_fails_alone(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    async def refuse(own: asyncpg.Connection, _: Sequence[Event]) -> None:
        await own.execute("SELECT 1 / 0")

    async def append_with(key: str, *, failing: bool) -> list[Event]:
        then = refuse if failing else None
        return await group.append(f"orders/{key}", 0, [confirmed(key)], Origin(), then=then)

    outcomes = await asyncio.gather(
        *(append_with(f"o{n}", failing=n == 2) for n in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [
        list,
        list,
        asyncpg.DivisionByZeroError,
        list,
        list,
    ]
    streams = await connection.fetch("SELECT stream FROM bridge.events ORDER BY 1")
    assert [row["stream"] for row in streams] == [f"orders/o{n}" for n in (0, 1, 3, 4)]


async def test_a_caller_that_is_cancelled_harms_no_other(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await parts.store.append(connection, "orders/held", 0, [confirmed("held")], Origin())
    at_work = [asyncio.create_task(one(group, key)) for key in ("a", "held", "b")]
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(one(group, key)) for key in ("c", "d")]
    await asyncio.sleep(0.05)
    at_work[0].cancel()
    waiting[0].cancel()
    await transaction.rollback()
    outcomes = await asyncio.gather(*at_work, *waiting, return_exceptions=True)
    assert [isinstance(outcome, list) for outcome in outcomes] == [False, True, True, False, True]
    stored = await connection.fetch("SELECT stream FROM bridge.events ORDER BY 1")
    # Cancelled at work: it may be there. Cancelled while it waited: it is not.
    assert [row["stream"] for row in stored] == [f"orders/{key}" for key in ("a", "b", "d", "held")]


async def test_a_message_that_is_refused_never_joins(
    connection: asyncpg.Connection, group: GroupCommit
) -> None:
    outcomes = await asyncio.gather(
        one(group, "a"),
        group.append("orders/x", 0, [confirmed("y")], Origin()),
        one(group, "b"),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], InvalidArgument)
    assert await connection.fetchval("SELECT count(*) FROM bridge.events") == 2


async def kill_others(parts: Parts) -> None:
    """End the sessions of the service, as a restart of the database does."""
    superuser = await asyncpg.connect(parts.superuser)
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'WITH draft%' AND state = 'active'"
    )
    await superuser.close()


async def test_a_connection_lost_at_the_commit_is_unknown_not_failed(
    parts: Parts, connection: asyncpg.Connection, group: GroupCommit
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await parts.store.append(connection, "orders/held", 0, [confirmed("held")], Origin())
    appends = [asyncio.create_task(one(group, key)) for key in ("a", "held", "b")]
    await asyncio.sleep(0.2)
    await kill_others(parts)
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    for outcome in outcomes:
        assert isinstance(outcome, Unavailable)
        assert outcome.reason == "OUTCOME_UNKNOWN"
        assert outcome.retriable
    # Each its own: what one caller adds to its error is nothing to the others.
    assert len({id(outcome) for outcome in outcomes}) == 3
    await transaction.rollback()
    # And the next ones go on, on another connection.
    assert [event.version for event in await one(group, "a")] == [1]


async def test_a_database_that_is_away_fails_each_append_and_later_ones_go_on(
    parts: Parts,
) -> None:
    pool = await open_pool(parts.dsn, min_size=0, max_size=1)
    group = GroupCommit(pool, parts.store)
    superuser = await asyncpg.connect(parts.superuser.rpartition("/")[0] + "/postgres")
    name = parts.dsn.rpartition("/")[2]
    await superuser.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    outcomes = await asyncio.gather(one(group, "a"), one(group, "b"), return_exceptions=True)
    await superuser.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await superuser.close()
    assert [isinstance(outcome, asyncpg.PostgresError) for outcome in outcomes] == [True, True]
    assert outcomes[0] is not outcomes[1]
    await asyncio.gather(one(group, "a"), one(group, "b"))
    async with acquire(pool) as own:
        assert await own.fetchval("SELECT count(*) FROM bridge.events") == 2
    pool.terminate()


async def test_more_callers_than_a_group_holds_are_all_served(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection
) -> None:
    group = GroupCommit(pool, parts.store, most=4)
    await asyncio.gather(*(one(group, f"o{n}") for n in range(30)))
    await until(lambda: count_is(connection, 30))
    assert await transactions(connection) >= 8


async def count_is(connection: asyncpg.Connection, count: int) -> bool:
    found = await connection.fetchval("SELECT count(*) FROM bridge.events")
    return bool(found == count)
