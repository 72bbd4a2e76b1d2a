"""Reading across streams on real PostgreSQL: nothing is missed, whatever commits late."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from bridge.database import acquire
from bridge.errors import Internal, StaleVersion, Undecodable
from bridge.events.catalog import Catalog
from bridge.events.event import Event, Origin
from bridge.events.upcasting import Upcaster, Upcasters
from bridge.store.cursor import Cursor
from bridge.store.event_store import EventStore
from bridge.store.reading import Reader, Selection
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import SOURCE, Parts, append, append_many, confirmed

ALL = Selection()


@pytest.fixture
def reader(parts: Parts) -> Reader:
    return Reader(parts.catalog, SOURCE)


async def read_on(
    reader: Reader,
    connection: asyncpg.Connection,
    selection: Selection = ALL,
    cursor: Cursor | None = None,
    limit: int = 7,
) -> tuple[list[Event], Cursor]:
    """Page after page until there is nothing more."""
    found: list[Event] = []
    cursor = cursor or Cursor()
    while True:
        page, cursor = await reader.page(connection, selection, cursor, limit)
        cursor = Cursor.from_json(cursor.to_json())
        found += page
        if len(page) < limit:
            return found, cursor


def places(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.stream, event.version) for event in events]


async def test_all_events_come_once_in_order_of_position(
    parts: Parts, connection: asyncpg.Connection, reader: Reader
) -> None:
    await append_many(parts, connection, {"a": 12, "b": 9, "c": 10})
    found, cursor = await read_on(reader, connection)
    positions = [event.position or 0 for event in found]
    assert len(positions) == 31
    assert positions == sorted(positions)
    assert [event for event in found if event.key == "b"] == await parts.store.load(
        connection, "orders/b"
    )
    assert await reader.page(connection, ALL, cursor, 7) == ([], cursor)


async def test_a_lower_position_that_commits_last_is_not_missed(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    async with acquire(pool) as late:
        transaction = late.transaction()
        await transaction.start()
        await parts.store.append(late, "orders/late", 0, [confirmed("late")], Origin())
        await append(parts, connection, "early", 0)
        first, cursor = await read_on(reader, connection)
        again, cursor = await read_on(reader, connection, cursor=cursor)
        await transaction.commit()
    last, cursor = await read_on(reader, connection, cursor=cursor)
    assert places(first) == [("orders/early", 1)]
    assert again == []
    assert places(last) == [("orders/late", 1)]
    assert await read_on(reader, connection, cursor=cursor) == (
        [],
        Cursor(cursor.position, cursor.known),
    )


async def test_a_late_commit_between_the_survey_and_the_page_is_not_missed(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    """Committed while the page is being put together, at each of its statements in turn."""
    for statement in range(1, 5):
        async with acquire(pool) as late, acquire(pool) as own:
            transaction = late.transaction()
            await transaction.start()
            key = f"late{statement}"
            await parts.store.append(late, f"orders/{key}", 0, [confirmed(key)], Origin())
            await append(parts, connection, f"early{statement}", 0)
            stepping = Stepping(own, statement, transaction.commit)
            first, cursor = await reader.page(stepping, ALL, Cursor(), 100)
            assert stepping.taken >= statement
        rest, _ = await read_on(reader, connection, cursor=cursor)
        assert (f"orders/{key}", 1) in places(first + rest), f"lost at statement {statement}"


class Stepping:
    """A connection that runs something before its n-th statement."""

    def __init__(self, connection: asyncpg.Connection, at: int, run: object) -> None:
        self._connection = connection
        self._at = at
        self._run = run
        self.taken = 0

    async def fetch(self, *arguments: object) -> object:
        await self._step()
        return await self._connection.fetch(*arguments)

    async def fetchrow(self, *arguments: object) -> object:
        await self._step()
        return await self._connection.fetchrow(*arguments)

    async def _step(self) -> None:
        self.taken += 1
        if self.taken == self._at:
            await self._run()  # type: ignore[operator]


async def test_a_cursor_does_not_remember_the_holes_of_the_past(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    """Who was at work at the survey is over when the holes are known."""
    for number in range(30):
        await append(parts, connection, f"o{number}", 0)
        async with acquire(pool) as undone:
            transaction = undone.transaction()
            await transaction.start()
            await parts.store.append(undone, "orders/x", 0, [confirmed("x")], Origin())
            await transaction.rollback()
    await append(parts, connection, "last", 0)
    async with acquire(pool) as late, acquire(pool) as own:
        transaction = late.transaction()
        await transaction.start()
        await parts.store.append(late, "orders/late", 0, [confirmed("late")], Origin())
        stepping = Stepping(own, 3, transaction.commit)
        first, cursor = await reader.page(stepping, ALL, Cursor(), 5)
    assert cursor.gaps == ()
    rest, _ = await read_on(reader, connection, cursor=cursor)
    assert len(first + rest) == 32


async def test_of_a_stream_no_version_comes_before_an_earlier_one(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    """Version 1 has a low position and commits late; version 2 is there at the next page."""
    async with acquire(pool) as late:
        transaction = late.transaction()
        await transaction.start()
        await parts.store.append(late, "orders/k", 0, [confirmed("k")], Origin())
        await append(parts, connection, "other", 0)
        first, cursor = await read_on(reader, connection, limit=1)
        await transaction.commit()
    await append(parts, connection, "k", 1)
    rest, _ = await read_on(reader, connection, cursor=cursor, limit=1)
    assert places(first) == [("orders/other", 1)]
    assert places(rest) == [("orders/k", 1), ("orders/k", 2)]


async def test_gaps_of_appends_that_rolled_back_are_forgotten(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    async with acquire(pool) as slow:
        holding = slow.transaction()
        await holding.start()
        await parts.store.append(slow, "orders/slow", 0, [confirmed("slow")], Origin())
        for number in range(20):
            transaction = connection.transaction()
            await transaction.start()
            key = f"gone{number}"
            await parts.store.append(connection, f"orders/{key}", 0, [confirmed(key)], Origin())
            await transaction.rollback()
            await append(parts, connection, f"kept{number}", 0)
        found, cursor = await read_on(reader, connection)
        assert len(found) == 20
        # As long as somebody writes who was at work then, no gap may be given up.
        assert sum(gap.high - gap.low + 1 for gap in cursor.gaps) == 21
        await holding.rollback()
    found, cursor = await read_on(reader, connection, cursor=cursor)
    assert found == []
    assert cursor.gaps == ()


async def test_of_a_quiet_store_with_gaps_nothing_is_kept(
    parts: Parts, connection: asyncpg.Connection, reader: Reader
) -> None:
    for number in range(20):
        await connection.fetchval("SELECT nextval('bridge.events_position_seq')")
        await append(parts, connection, f"o{number}", 0)
    page, cursor = await reader.page(connection, ALL, Cursor(), 5)
    assert len(page) == 5
    assert cursor.gaps == ()


async def test_many_writers_with_late_commits_and_rollbacks_lose_nothing(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    """Seeded: eight writers, a third of their transactions slow or rolled back, one reader."""
    chance = random.Random(5)  # noqa: S311 - not for secrets
    written: dict[str, int] = {}
    done = asyncio.Event()

    async def write(number: int) -> None:
        for turn in range(40):
            stream = f"orders/w{number}-{turn % 5}"
            pause, keep = chance.choice([0, 0, 0.01, 0.05]), chance.random() < 0.8
            async with acquire(pool) as own:
                transaction = own.transaction()
                await transaction.start()
                try:
                    key = stream.partition("/")[2]
                    await parts.store.append(
                        own, stream, written.get(stream, 0), [confirmed(key)] * 2, Origin()
                    )
                except StaleVersion:
                    keep = False
                await asyncio.sleep(pause)
                await (transaction.commit() if keep else transaction.rollback())
            written[stream] = written.get(stream, 0) + 2 * keep

    async def read() -> tuple[list[Event], Cursor]:
        found: list[Event] = []
        cursor, last = Cursor(), False
        while not last:
            last = done.is_set()
            more, cursor = await read_on(reader, connection, cursor=cursor, limit=5)
            found += more
            await asyncio.sleep(0.002)
        return found, cursor

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(8)))
    done.set()
    found, cursor = await reading
    versions: dict[str, list[int]] = {}
    for event in found:
        versions.setdefault(event.stream, []).append(event.version)
    assert versions == {
        stream: list(range(1, count + 1)) for stream, count in written.items() if count
    }
    _, cursor = await read_on(reader, connection, cursor=cursor)
    assert cursor.gaps == ()


async def test_what_the_reader_itself_appends_waits_for_nobody(
    parts: Parts, connection: asyncpg.Connection, reader: Reader
) -> None:
    async with connection.transaction():
        await parts.store.append(connection, "orders/o1", 0, [confirmed("o1")], Origin())
        found, cursor = await read_on(reader, connection)
    assert places(found) == [("orders/o1", 1)]
    assert cursor.gaps == ()


async def test_a_snapshot_that_stands_still_is_refused(
    parts: Parts, connection: asyncpg.Connection, reader: Reader
) -> None:
    await append(parts, connection, "o1", 0)
    async with connection.transaction(isolation="repeatable_read"):
        with pytest.raises(Internal, match="READ COMMITTED"):
            await reader.page(connection, ALL, Cursor(), 5)


async def written_for_selections(parts: Parts, connection: asyncpg.Connection) -> None:
    for number in range(6):
        key = f"o{number}"
        async with connection.transaction():
            await parts.store.append(
                connection,
                f"orders/{key}",
                0,
                [orders.OrderCreated(order_id=key), confirmed(key)],
                Origin(correlation_id=f"c{number % 2}"),
            )


async def test_a_selection_gives_what_meets_all_of_it(
    parts: Parts, connection: asyncpg.Connection, reader: Reader
) -> None:
    await written_for_selections(parts, connection)
    everything, _ = await read_on(reader, connection)
    middle = everything[6]
    created = "causeway.orders.v1.OrderCreated"
    for selection, expected in (
        (ALL, everything),
        (Selection(types=(created,)), [one for one in everything if one.type == created]),
        (Selection(types=(created, "causeway.orders.v1.OrderConfirmed")), everything),
        (Selection(types=("causeway.orders.v1.OrderShipped",)), []),
        (Selection(stream="orders/o3"), [one for one in everything if one.key == "o3"]),
        (
            Selection(correlation_id="c1"),
            [one for one in everything if one.origin.correlation_id == "c1"],
        ),
        (Selection(start_position=middle.position), everything[6:]),
        (Selection(end_position=middle.position), everything[:7]),
        (
            Selection(start_position=middle.position, end_position=middle.position),
            [middle],
        ),
        (Selection(start_time=middle.time), everything[6:]),
        (Selection(end_time=middle.time), everything[:6]),
        (Selection(start_time=datetime.now(UTC) + timedelta(hours=1)), []),
        (
            Selection(types=(created,), correlation_id="c0", end_position=middle.position),
            [everything[0], everything[4]],
        ),
    ):
        found, _ = await read_on(reader, connection, selection, limit=3)
        assert found == expected, selection
        assert await reader.count(connection, selection) == len(expected), selection


async def test_a_selection_misses_no_late_commit_either(
    parts: Parts, pool: asyncpg.Pool, connection: asyncpg.Connection, reader: Reader
) -> None:
    selection = Selection(types=("causeway.orders.v1.OrderConfirmed",))
    async with acquire(pool) as late:
        transaction = late.transaction()
        await transaction.start()
        messages = [orders.OrderCreated(order_id="late"), confirmed("late")]
        await parts.store.append(late, "orders/late", 0, messages, Origin())
        await written_for_selections(parts, connection)
        first, cursor = await read_on(reader, connection, selection)
        await transaction.commit()
    last, cursor = await read_on(reader, connection, selection, cursor)
    assert len(first) == 6
    assert places(last) == [("orders/late", 2)]
    _, cursor = await read_on(reader, connection, selection, cursor)
    assert cursor.gaps == ()


async def test_events_of_an_older_type_are_read_as_the_newer_one(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    """Selected by the newer type too; what is stored stays as it was written."""
    step = Upcaster(orders.OrderShipped, lambda old: orders.OrderShipped(order_id=old.order_id))
    catalog = Catalog(
        {one.name: one for one in parts.catalog}, Upcasters({orders.OrderConfirmed: step})
    )
    await written_for_selections(parts, connection)
    shipped = "causeway.orders.v1.OrderShipped"
    reader = Reader(catalog, SOURCE)
    found, _ = await read_on(reader, connection, Selection(types=(shipped,)))
    assert [event.message for event in found] == [
        orders.OrderShipped(order_id=f"o{number}") for number in range(6)
    ]
    assert {event.type for event in found} == {shipped}
    assert await reader.count(connection, Selection(types=(shipped,))) == 6
    loaded = await EventStore(catalog, {}, SOURCE).load(connection, "orders/o3")
    assert [event.type for event in loaded] == ["causeway.orders.v1.OrderCreated", shipped]
    stored = await connection.fetchval(
        "SELECT count(*) FROM bridge.events WHERE type = $1", shipped
    )
    assert stored == 0


async def test_an_event_that_its_upcaster_fails_on_is_named(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    def step(old: orders.OrderShipped) -> orders.OrderConfirmed:
        raise ValueError(f"of {old.order_id}")

    failing = Upcasters({orders.OrderShipped: Upcaster(orders.OrderConfirmed, step)})
    catalog = Catalog({one.name: one for one in parts.catalog}, failing)
    async with connection.transaction():
        await parts.store.append(
            connection, "orders/o1", 0, [orders.OrderShipped(order_id="o1")], Origin()
        )
    row = await connection.fetchrow("SELECT event_id::text AS id, position FROM bridge.events")
    with pytest.raises(Undecodable) as caught:
        await read_on(Reader(catalog, SOURCE), connection)
    assert caught.value.message == (
        f"event {row['id']} (causeway.orders.v1.OrderShipped, position {row['position']})"
        ": its upcaster fails: ValueError"
    )
