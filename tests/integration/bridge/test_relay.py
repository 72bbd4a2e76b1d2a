"""The relay on real PostgreSQL and Kafka."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest

from bridge.events.codec import decode
from bridge.events.event import Origin
from bridge.kafka.batches import Sent
from bridge.kafka.producer import Producer
from bridge.kafka.record import Outgoing, Record
from bridge.kafka.settings import KafkaSettings
from tests.integration.bridge.parts import (
    Parts,
    append,
    append_many,
    confirmed,
    outbox_is_empty,
    read_all,
    relaying,
    until,
)


def versions(parts: Parts, records: list[Record]) -> dict[str, list[int]]:
    """Versions per stream in the order of their first arrival: duplicates are allowed."""
    found: dict[str, list[int]] = {}
    for record in records:
        event = decode(record, parts.catalog)
        seen = found.setdefault(event.stream, [])
        if event.version not in seen:
            seen.append(event.version)
    return found


async def test_an_event_reaches_kafka_and_its_place_is_recorded(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    async with relaying(parts):
        event = await append(parts, connection, "o1", 0)
        await until(lambda: outbox_is_empty(connection))
    [record] = await read_all(parts.kafka, parts.topic)
    decoded = decode(record, parts.catalog)
    assert (decoded.id, decoded.stream, decoded.version) == (event.id, "orders/o1", 1)
    assert decoded.message == event.message
    assert decoded.time == event.time
    assert decoded.key == "o1"
    place = await connection.fetchrow("SELECT * FROM bridge.published")
    assert (place["position"], place["topic"]) == (event.position, parts.topic)
    assert (place["partition"], place["record_offset"]) == (record.partition, record.offset)


async def test_a_lower_position_that_commits_late_is_not_lost(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async with relaying(parts), pool.acquire() as late:
        transaction = late.transaction()
        await transaction.start()
        [low] = await parts.store.append(late, "orders/low", 0, [confirmed("low")], Origin())
        high = await append(parts, connection, "high", 0)
        assert low.position is not None
        assert high.position is not None
        assert low.position < high.position
        await until(lambda: outbox_is_empty(connection))
        await transaction.commit()
        await until(lambda: outbox_is_empty(connection))
    assert versions(parts, await read_all(parts.kafka, parts.topic)) == {
        "orders/low": [1],
        "orders/high": [1],
    }


async def test_a_key_stays_in_order_when_its_lower_position_commits_late(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    """A relay that goes on after its last position would never send version 1, which appears
    below it, or send it after version 2, which appears above."""
    async with pool.acquire() as late:
        transaction = late.transaction()
        await transaction.start()
        await parts.store.append(late, "orders/k", 0, [confirmed("k")], Origin())
        await append_many(parts, connection, {f"o{number}": 1 for number in range(1200)})

        async def some_have_left() -> bool:
            return bool(await connection.fetchval("SELECT count(*) < 1200 FROM bridge.outbox"))

        async with relaying(parts) as relay:
            await until(lambda: relay.active)
            await until(some_have_left)
            await transaction.commit()
            await append(parts, connection, "k", 1)
            await until(lambda: outbox_is_empty(connection))
    found = versions(parts, await read_all(parts.kafka, parts.topic))
    assert found["orders/k"] == [1, 2]
    assert len(found) == 1201


RELAY_PROCESS = """
import asyncio, os, sys
from bridge.kafka.settings import KafkaSettings
from bridge.relay.relay import Relay
from tests.integration.bridge.parts import catalog_on, kafka_settings, seals_topic, SOURCE

async def main():
    topic = sys.argv[2]
    relay = Relay(
        sys.argv[1], kafka_settings(), catalog_on(topic), SOURCE, seals=seals_topic(topic)
    )
    await relay.run(asyncio.Event())

asyncio.run(main())
"""


async def relay_process(parts: Parts) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", RELAY_PROCESS, parts.dsn, parts.topic
    )


async def test_a_relay_killed_in_the_middle_loses_nothing(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    total = 3000
    await append_many(parts, connection, {f"o{stream}": 30 for stream in range(100)})
    kills = 0
    while not await outbox_is_empty(connection):
        before = await connection.fetchval("SELECT count(*) FROM bridge.outbox")
        process = await relay_process(parts)
        try:

            async def moved(before: int = before) -> bool:
                left = await connection.fetchval("SELECT count(*) FROM bridge.outbox")
                return bool(left < before)

            await until(moved)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
            kills += 1
    found = versions(parts, await read_all(parts.kafka, parts.topic))
    assert kills >= 2
    assert found == {f"orders/o{stream}": list(range(1, 31)) for stream in range(100)}
    assert await connection.fetchval("SELECT count(*) FROM bridge.published") == total


async def test_of_two_relays_one_is_active_and_the_other_takes_over(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    async with relaying(parts) as first:
        await until(lambda: first.active)
        async with relaying(parts) as second:
            await asyncio.sleep(1.5)
            assert not second.active
            # What the server does when the network or the session dies.
            admin = await asyncpg.connect(parts.superuser)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND granted AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())"
            )
            await admin.close()
            await until(lambda: not first.active or second.active, 5)
            await until(lambda: first.active != second.active, 10)
            await append(parts, connection, "o1", 0)
            await until(lambda: outbox_is_empty(connection))
    assert len(await read_all(parts.kafka, parts.topic)) == 1


async def test_the_standby_takes_over_when_the_active_one_stops(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    async with relaying(parts) as second_or_first:
        await until(lambda: second_or_first.active)
        other = await relay_process(parts)
        await asyncio.sleep(1)
    try:
        await append(parts, connection, "o1", 0)
        await until(lambda: outbox_is_empty(connection))
    finally:
        os.kill(other.pid, signal.SIGKILL)
        await other.wait()


class WedgedOnce:
    """A producer whose first instance takes records and never acknowledges them."""

    opened = 0

    def __init__(self, settings: KafkaSettings) -> None:
        self._real = Producer(settings)
        self._wedged = WedgedOnce.opened == 0
        WedgedOnce.opened += 1

    async def start(self) -> None:
        await self._real.start()

    async def send_all(self, records: Sequence[Outgoing]) -> Sent:
        if self._wedged:
            return Sent([], [asyncio.get_running_loop().create_future()])
        return await self._real.send_all(records)

    async def abandon(self) -> None:
        await self._real.abandon()


async def test_a_wedged_producer_is_replaced_and_all_is_sent_again(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WedgedOnce, "opened", 0)
    monkeypatch.setattr("bridge.relay.relay.Producer", WedgedOnce)
    monkeypatch.setattr("bridge.relay.pump.SEND_SECONDS", 1.0)
    for version in range(3):
        await append(parts, connection, "o1", version)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
    assert WedgedOnce.opened == 2
    assert versions(parts, await read_all(parts.kafka, parts.topic)) == {"orders/o1": [1, 2, 3]}


async def test_commands_go_on_while_kafka_is_away_and_the_backlog_is_measured_and_drains_in_order(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.backlog.MEASURE_SECONDS", 0.1)
    away = replace(parts, kafka=replace(parts.kafka, bootstrap="127.0.0.1:1"))
    async with relaying(away) as relay:
        for version in range(5):
            await append(parts, connection, "o1", version)
        await until(lambda: relay.backlog == 5)
    async with relaying(parts) as relay:
        await until(lambda: outbox_is_empty(connection))
        await until(lambda: relay.backlog == 0)
    assert versions(parts, await read_all(parts.kafka, parts.topic)) == {
        "orders/o1": [1, 2, 3, 4, 5]
    }


async def test_an_event_whose_notification_was_lost_is_found_by_the_poll(
    parts: Parts, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.pump.POLL_SECONDS", 0.5)
    heard = asyncio.Event()
    await connection.add_listener("bridge_outbox", lambda *_: heard.set())
    async with relaying(parts) as relay:
        await until(lambda: relay.active)
        async with connection.transaction():
            [event] = await parts.store.append(
                connection, "orders/o1", 0, [confirmed("o1")], Origin()
            )
            [row] = await connection.fetch("DELETE FROM bridge.outbox RETURNING *")
        await until(heard.is_set)
        heard.clear()
        # Comes without a notification, as if it had been lost.
        await connection.execute("INSERT INTO bridge.outbox VALUES ($1, $2, $3)", *row.values())
        await until(lambda: outbox_is_empty(connection))
    assert not heard.is_set()
    [record] = await read_all(parts.kafka, parts.topic)
    assert decode(record, parts.catalog).id == event.id


async def test_an_event_that_somebody_queued_again_is_sent_again_and_sealed_once(
    parts: Parts, connection: asyncpg.Connection
) -> None:
    await append(parts, connection, "o1", 0)
    async with relaying(parts):
        await until(lambda: outbox_is_empty(connection))
        await connection.execute(
            "INSERT INTO bridge.outbox SELECT position, topic, 1 FROM bridge.published"
        )
        await append(parts, connection, "o1", 1)
        await until(lambda: outbox_is_empty(connection))
    assert await connection.fetchval(
        "SELECT array_agg(position ORDER BY seq) FROM bridge.seals"
    ) == [1, 2]
    assert versions(parts, await read_all(parts.kafka, parts.topic)) == {"orders/o1": [1, 2]}
