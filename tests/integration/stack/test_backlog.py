"""What waits in a store is seen in its tables."""

from datetime import UTC, datetime, timedelta

import asyncpg

from bridge.events.event import Origin
from stack import backlog
from tests.integration.bridge.parts import catalog_on, confirmed, own_database, store_on

PARK = """
INSERT INTO bridge.parked (consumer_group, key, type, topic, partition, record_offset, headers,
    reason, attempts, stack_digest, park_time, discard_time)
VALUES ($1, 'k', '', 't', 0, $2, '[]', 'BUG', 1, '', $3, $4)
"""
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


async def test_parked_events_are_told_by_group_with_the_oldest_and_what_to_do() -> None:
    async with own_database() as (_, _, dsn):
        connection = await asyncpg.connect(dsn)
        try:
            for number, hours in enumerate((2, 1, 3)):
                parked = NOW - timedelta(hours=hours)
                await connection.execute(PARK, "causeway.users.credit", number, parked, None)
            # Given up: the worker takes it away in a moment.
            await connection.execute(PARK, "causeway.users.other", 9, NOW, NOW)
            [found] = await backlog.waiting_in("users", dsn)
        finally:
            await connection.close()
    assert (found.store, found.group, found.count) == ("users", "causeway.users.credit", 3)
    assert found.oldest == NOW - timedelta(hours=3)
    assert str(found) == (
        "3 events of causeway.users.credit parked, the oldest since 2026-11-26 09:00:00 UTC:"
        " causeway deadletters list --group causeway.users.credit"
    )


async def test_an_outbox_is_told_once_it_is_old() -> None:
    async with own_database() as (_, owner, dsn):
        connection = await asyncpg.connect(dsn)
        try:
            store = store_on(catalog_on("t"))
            for number in range(2):
                async with connection.transaction():
                    await store.append(
                        connection, f"orders/o{number}", 0, [confirmed(f"o{number}")], Origin()
                    )
            assert await backlog.waiting_in("orders", dsn) == []
            await _age(owner)
            [found] = await backlog.waiting_in("orders", dsn)
        finally:
            await connection.close()
    assert (found.group, found.count) == ("", 2)
    assert "2 events of orders not on Kafka yet" in str(found)
    assert backlog.as_json_row(found)["kind"] == "outbox"


async def _age(owner: str) -> None:
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute("UPDATE bridge.events SET time = time - interval '1 minute'")
    finally:
        await connection.close()
