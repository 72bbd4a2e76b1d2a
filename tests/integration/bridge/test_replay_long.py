"""A million events again: in flat memory, each handled once, no mail sent twice."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import psutil
import pytest
from google.protobuf.message import Message

from bridge.effects import deliveries
from bridge.handling import Handler, Handling
from bridge.subscription import Subscription
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.bridge.parts import Parts, confirmed, until
from tests.integration.bridge.replaying import (
    ADD,
    COUNTS,
    ask,
    ended,
    group_of,
    make_tables,
    replay_of,
)

EVENTS = 1_000_000
STREAMS = 50_000
LIVE = 200_000
"""Events that the group has handled before; it has sent their mails."""
MAIL_EVERY = 100
MEMORY = 250 * 2**20

FILL = """
INSERT INTO bridge.events (
    stream, version, type, event_id, data, schema_id, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
)
SELECT
    'orders/o' || number % $1::int, number / $1::int + 1, $2::text, uuidv7(), $3::bytea, 7, now(),
    '', '', '', '', '', '', ''
FROM generate_series($4::int, $5::int - 1) AS number
"""
HANDLED = """
INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
SELECT $1, event_id, 1 FROM bridge.events WHERE position <= $2
"""
SENT = """
INSERT INTO bridge.deliveries (
    id, effect, recipient, event_id, payload, state, actor, correlation_id, traceparent
)
SELECT uuidv7(), 'email', 'users/u1', event_id, '', 'sent', '', '', '' FROM bridge.events
WHERE position <= $1 AND position % $2::int = 0
"""
COUNTED = """
INSERT INTO counts (customer, events)
SELECT split_part(stream, '/', 2), count(*) FROM bridge.events WHERE position <= $1 GROUP BY 1
"""
CHILD = """
import asyncio, sys
from bridge.database import open_pool
from tests.integration.bridge.parts import Parts, catalog_on, kafka_settings, store_on
from tests.integration.bridge.replaying import replayer
from tests.integration.bridge.test_replay_long import both

async def main():
    dsn, topic = sys.argv[1:]
    catalog = catalog_on(topic)
    parts = Parts("", "", dsn, kafka_settings(), topic, catalog, store_on(catalog))
    async with await open_pool(dsn) as pool:
        await replayer(parts, pool, *both(parts)).run(asyncio.Event())

asyncio.run(main())
"""


async def count_and_tell(handlings: Sequence[Handling]) -> None:
    """Count by key with one statement, and a mail for one event of a hundred."""
    found = Counter(handling.event.key for handling in handlings)
    await handlings[0].connection.execute(ADD, list(found), list(found.values()))
    for handling in handlings:
        if (handling.event.position or 0) % MAIL_EVERY == 0:
            await deliveries.enqueue(handling, "email", "users/u1", b"")


async def never_alone(handling: Handling) -> None:
    await count_and_tell([handling])


def both(parts: Parts) -> tuple[Subscription, Subscription]:
    """A group that has mails to send, and a projection of the own store."""
    handlers: dict[type[Message], Handler] = {orders.OrderConfirmed: never_alone}
    live = Subscription(group_of(parts), handlers, batch=count_and_tell, effects=("email",))
    own = Subscription(
        f"{group_of(parts)}-own", handlers, batch=count_and_tell, tables=("counts",), live=False
    )
    return live, own


async def fill(parts: Parts) -> None:
    admin = await asyncpg.connect(parts.superuser)
    name, data = orders.OrderConfirmed.DESCRIPTOR.full_name, confirmed("o").SerializeToString()
    for begin in range(0, EVENTS, 100_000):
        await admin.execute(FILL, STREAMS, name, data, begin, begin + 100_000)
    await admin.execute(HANDLED, group_of(parts), LIVE)
    await admin.execute(SENT, LIVE, MAIL_EVERY)
    await admin.execute(COUNTED, LIVE)
    await admin.execute("ANALYZE")
    await admin.close()


@asynccontextmanager
async def worker(parts: Parts) -> AsyncIterator[tuple[int, list[int]]]:
    """A process of its own: its id, and its memory in bytes as it is looked at again and again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, parts.dsn, parts.topic
    )
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(psutil.Process(process.pid).memory_info().rss)
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield process.pid, seen
    finally:
        watching.cancel()
        process.send_signal(signal.SIGKILL)
        await process.wait()


def check_memory(seen: Sequence[int]) -> None:
    assert max(seen) <= MEMORY
    # Flat: what it has after a quarter of the time is what it has at the end.
    quarter, end = max(seen[: len(seen) // 4]), max(seen)
    assert end - quarter < 30 * 2**20, f"{quarter:,} bytes became {end:,}"


async def mails(connection: asyncpg.Connection) -> tuple[int, int]:
    row = await connection.fetchrow(
        "SELECT count(*) AS mails, count(DISTINCT event_id) AS events FROM bridge.deliveries"
    )
    return row["mails"], row["events"]


async def counted(connection: asyncpg.Connection) -> tuple[int, int, int]:
    row = await connection.fetchrow(
        "SELECT count(*) AS keys, min(events) AS least, max(events) AS most FROM counts"
    )
    return row["keys"], row["least"], row["most"]


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_a_million_events_in_flat_memory_and_no_mail_twice(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await make_tables(parts, COUNTS)
    await fill(parts)
    each = EVENTS // STREAMS
    replay_id = await ask(connection, "backfill", group_of(parts), effects=["email"])
    async with worker(parts):

        async def under_way() -> bool:
            return bool((await replay_of(connection, replay_id))["events_done"] > EVENTS // 2)

        await until(under_way, 500)
    async with worker(parts) as (_, seen):
        row = await ended(connection, replay_id, 500)
    assert (row["state"], row["error"], row["events_done"]) == ("succeeded", "", EVENTS)
    assert await counted(connection) == (STREAMS, each, each)
    assert await mails(connection) == (EVENTS // MAIL_EVERY, EVENTS // MAIL_EVERY)
    check_memory(seen)

    await connection.execute("UPDATE counts SET events = 1")
    async with worker(parts) as (_, seen):
        row = await ended(
            connection, await ask(connection, "rebuild", f"{group_of(parts)}-own"), 500
        )
    assert (row["state"], row["error"], row["events_done"]) == ("succeeded", "", EVENTS)
    assert await counted(connection) == (STREAMS, each, each)
    assert await mails(connection) == (EVENTS // MAIL_EVERY, EVENTS // MAIL_EVERY)
    check_memory(seen)
