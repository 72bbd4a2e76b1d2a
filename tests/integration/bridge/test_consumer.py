"""The consumer on real PostgreSQL and Kafka."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
import pytest

from bridge.consumer.consumer import Consumer
from bridge.consumer.lanes import Limits
from bridge.errors import StaleVersion, Unavailable
from bridge.events.event import Origin
from bridge.handling import Handler, Handling
from bridge.kafka.cluster import Cluster, describe
from bridge.kafka.consumer import GroupConsumer
from bridge.kafka.record import Partition
from bridge.subscription import Subscription
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

DEFAULTS = Limits()
EFFECTS = "CREATE TABLE effects (id bigserial, grp text, event_id text, stream text, version int)"
EFFECT = "INSERT INTO effects (grp, event_id, stream, version) VALUES ($1, $2, $3, $4)"


@pytest.fixture(autouse=True)
async def _effects(parts: Parts) -> None:
    owner = await asyncpg.connect(parts.superuser)
    await owner.execute(EFFECTS)
    await owner.execute("GRANT ALL ON effects, effects_id_seq TO PUBLIC")
    await owner.close()


async def note(handling: Handling) -> None:
    """The effect: one row for each handled event."""
    event = handling.event
    await handling.connection.execute(EFFECT, "g", event.id, event.stream, event.version)


def group_of(parts: Parts) -> str:
    return f"causeway.{parts.topic}.effects"


def consumer(
    parts: Parts, pool: asyncpg.Pool, handler: Handler = note, limits: Limits = DEFAULTS
) -> Consumer:
    return Consumer(
        Subscription(group_of(parts), {orders.OrderConfirmed: handler}),
        catalog=parts.catalog,
        pool=pool,
        kafka=parts.kafka,
        limits=limits,
    )


async def publish(parts: Parts, connection: asyncpg.Connection, counts: dict[str, int]) -> None:
    """Append `counts[order]` events to each stream and relay them."""
    await append_many(parts, connection, counts)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))


async def effects(connection: asyncpg.Connection) -> dict[str, list[int]]:
    rows = await connection.fetch("SELECT stream, version FROM effects ORDER BY id")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["stream"], []).append(row["version"])
    return found


async def lag_is_zero(parts: Parts) -> bool:
    cluster: Cluster = await describe(parts.kafka)
    ends = {one.partition: one.end for one in cluster.partitions if one.topic == parts.topic}
    written = {number for number, end in ends.items() if end > 0}
    [group] = [one for one in cluster.groups if one.id == group_of(parts)]
    return {one.partition for one in group.lags if one.lag == 0} >= written


@asynccontextmanager
async def consuming(one: Consumer) -> AsyncIterator[None]:
    async with running(one.run):
        await until(lambda: one.assigned)
        yield


async def test_events_are_handled_once_in_order_per_key_and_offsets_follow(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    counts = {f"o{number}": 20 for number in range(20)}
    await publish(parts, connection, counts)
    wanted = {f"orders/{key}": list(range(1, 21)) for key in counts}
    async with consuming(consumer(parts, pool)):

        async def all_handled() -> bool:
            return await effects(connection) == wanted

        await until(all_handled)
        await until(lambda: lag_is_zero(parts))
    assert await effects(connection) == wanted


async def test_what_a_handler_appends_is_caused_by_its_event(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def ship(handling: Handling) -> None:
        message = orders.OrderShipped(order_id=handling.event.key, customer="users/u1")
        await parts.store.append(
            handling.connection, handling.event.stream, 1, [message], handling.origin
        )

    async with connection.transaction():
        [first] = await parts.store.append(
            connection, "orders/o1", 0, [confirmed("o1")], Origin(actor="users/u1", client="cli")
        )
    async with relaying(parts), consuming(consumer(parts, pool, ship)):

        async def shipped() -> bool:
            return len(await parts.store.load(connection, "orders/o1")) == 2

        await until(shipped)
    second = (await parts.store.load(connection, "orders/o1"))[1]
    assert second.origin.causation_id == first.id
    assert second.origin.correlation_id == first.id
    assert second.origin.actor == "users/u1"


CRASH = """
import asyncio, os, signal, sys
from bridge.database import open_pool
from bridge.kafka.consumer import GroupConsumer
from tests.integration.bridge.parts import Parts, catalog_on, kafka_settings, store_on
from tests.integration.bridge.test_consumer import consumer

async def die(self, offsets):
    # The handlers' transactions are committed by now, the offsets are not.
    os.kill(os.getpid(), signal.SIGKILL)

GroupConsumer.commit = die

async def main():
    dsn, topic = sys.argv[1:]
    catalog = catalog_on(topic)
    parts = Parts("", "", dsn, kafka_settings(), topic, catalog, store_on(catalog))
    pool = await open_pool(dsn)
    await consumer(parts, pool).run(asyncio.Event())

asyncio.run(main())
"""


async def test_a_crash_between_handler_and_offset_has_one_effect(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    counts = {f"o{number}": 5 for number in range(10)}
    await publish(parts, connection, counts)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASH, parts.dsn, parts.topic
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    assert await effects(connection) != {}
    async with consuming(consumer(parts, pool)):
        await until(lambda: lag_is_zero(parts))
    assert await effects(connection) == {f"orders/{key}": [1, 2, 3, 4, 5] for key in counts}


async def test_a_rebalance_moves_partitions_and_loses_nothing(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    counts = {f"o{number}": 40 for number in range(30)}
    wanted = {f"orders/{key}": list(range(1, 41)) for key in counts}

    def slow(handled: list[str]) -> Handler:
        async def handle(handling: Handling) -> None:
            await asyncio.sleep(0.05)
            await note(handling)
            handled.append(handling.event.id)

        return handle

    await publish(parts, connection, counts)
    limits = Limits(batch=5)
    first: list[str] = []
    async with consuming(consumer(parts, pool, slow(first), limits)):
        await until(lambda: bool(first))
        for _ in range(2):
            second: list[str] = []
            async with consuming(consumer(parts, pool, slow(second), limits)):
                await until(lambda second=second: bool(second))

        async def all_handled() -> bool:
            return {key: sorted(seen) for key, seen in (await effects(connection)).items()} == {
                key: sorted(seen) for key, seen in wanted.items()
            }

        await until(all_handled, 60)
    assert await effects(connection) == wanted


async def test_a_stale_version_is_tried_again_without_counting(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    met = 0

    async def meets(handling: Handling) -> None:
        nonlocal met
        met += 1
        if met < 6:
            raise StaleVersion("somebody was first")
        await note(handling)

    await publish(parts, connection, {"o1": 1})
    async with consuming(consumer(parts, pool, meets)):
        await until(lambda: lag_is_zero(parts))
    assert await connection.fetchval("SELECT attempts FROM bridge.inbox") == 1


async def test_a_retriable_error_counts_its_attempts(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async def unsure(handling: Handling) -> None:
        await note(handling)
        if handling.attempt < 3:
            raise Unavailable("not yet")

    await publish(parts, connection, {"o1": 1})
    async with consuming(consumer(parts, pool, unsure)):
        await until(lambda: lag_is_zero(parts))
    assert await connection.fetchval("SELECT attempts FROM bridge.inbox") == 3
    assert await effects(connection) == {"orders/o1": [1]}


async def test_types_without_a_handler_are_passed_over(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async with connection.transaction():
        shipped = orders.OrderShipped(order_id="o1")
        await parts.store.append(connection, "orders/o1", 0, [shipped], Origin())
    await append(parts, connection, "o1", 1)
    async with relaying(parts), consuming(consumer(parts, pool)):
        await until(lambda: outbox_is_empty(connection))
        await until(lambda: lag_is_zero(parts))
    assert await effects(connection) == {"orders/o1": [2]}


def spied(monkeypatch: pytest.MonkeyPatch, method: str) -> list[Partition]:
    """Note the partitions that `method` of the group's member is called with."""
    seen: list[Partition] = []
    real = getattr(GroupConsumer, method)

    def spy(self: GroupConsumer, partitions: Collection[Partition]) -> None:
        seen.extend(partitions)
        real(self, partitions)

    monkeypatch.setattr(GroupConsumer, method, spy)
    return seen


async def test_a_full_partition_is_paused_and_comes_back(
    parts: Parts,
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused, resumed = spied(monkeypatch, "pause"), spied(monkeypatch, "resume")
    counts = {f"o{number}": 20 for number in range(20)}
    await publish(parts, connection, counts)
    one = consumer(parts, pool, note, Limits(batch=3, waiting=10))
    async with consuming(one):
        await until(lambda: lag_is_zero(parts))
        await until(lambda: sorted(paused) == sorted(resumed))
    assert {partition.topic for partition in paused} == {parts.topic}
    assert await effects(connection) == {f"orders/{key}": list(range(1, 21)) for key in counts}


async def test_a_database_that_was_away_parks_and_skips_nothing(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, {"o1": 3})
    killed = False

    async def cut(handling: Handling) -> None:
        nonlocal killed
        if not killed:
            killed = True
            admin = await asyncpg.connect(parts.superuser)
            await admin.execute(
                "SELECT pg_terminate_backend($1)", handling.connection.get_server_pid()
            )
            await admin.close()
        await note(handling)

    async with consuming(consumer(parts, pool, cut)):
        await until(lambda: lag_is_zero(parts))
    assert await effects(connection) == {"orders/o1": [1, 2, 3]}
    assert await connection.fetchval("SELECT max(attempts) FROM bridge.inbox") == 1
