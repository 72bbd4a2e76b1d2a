"""Replays whose process is killed in the middle: they go on where they stood."""

import asyncio
import signal
import sys

import asyncpg
import pytest

from bridge.replay import rebuild
from tests.integration.bridge.delivering import TOLD, TOTAL, mails, telling, told, whole
from tests.integration.bridge.parts import Parts, append_many
from tests.integration.bridge.replaying import (
    COUNTS,
    MANY,
    ask,
    counted,
    ended,
    group_of,
    make_tables,
    projection,
    publish,
    replay_of,
    replaying,
)

TYPES = ["causeway.orders.v1.OrderConfirmed"]
CRASH = """
import asyncio, os, signal, sys
from bridge.database import open_pool
from bridge.replay import deliver, passage, rebuild
from bridge.replay.ledger import advance
from tests.integration.bridge.delivering import telling
from tests.integration.bridge.parts import Parts, catalog_on, kafka_settings, store_on
from tests.integration.bridge.replaying import projection, replayer

dsn, topic, kind, pages = *sys.argv[1:4], 4
deliver.PAGE = rebuild.PAGE = 50
SUBSCRIPTIONS = {
    "telling": telling,
    "projection": projection,
    "dormant": lambda parts: projection(parts, live=False),
}

async def die(*arguments):
    global pages
    pages -= 1
    await advance(*arguments)
    if pages == 0:
        # Inside the transaction: the page is not committed.
        os.kill(os.getpid(), signal.SIGKILL)

passage.advance = die

async def main():
    catalog = catalog_on(topic)
    parts = Parts("", "", dsn, kafka_settings(), topic, catalog, store_on(catalog))
    pool = await open_pool(dsn)
    await replayer(parts, pool, SUBSCRIPTIONS[kind](parts)).run(asyncio.Event())

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
async def _tables(parts: Parts) -> None:
    await make_tables(parts, COUNTS, TOLD)


async def crash(parts: Parts, kind: str) -> None:
    """A worker that dies at its fourth page."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASH, parts.dsn, parts.topic, kind
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


@pytest.mark.parametrize("mode", ["backfill", "redeliver"])
async def test_a_delivery_goes_on_after_a_crash_without_repeating_or_skipping(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool, mode: str
) -> None:
    await append_many(parts, connection, MANY)
    replay_id = await ask(
        connection,
        mode,
        group_of(parts),
        types=TYPES,
        effects=["email"],
    )
    for _ in range(2):
        await crash(parts, "telling")
    row = await replay_of(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("running", 300)
    async with replaying(parts, pool, telling(parts)):
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", TOTAL)
    assert await told(connection) == whole()
    assert set((await mails(connection)).values()) == {1}
    assert len(await mails(connection)) == TOTAL


@pytest.mark.parametrize(("kind", "origin"), [("projection", "kafka"), ("dormant", "store")])
async def test_a_rebuild_goes_on_after_a_crash_without_repeating_or_skipping(
    parts: Parts,
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    origin: str,
) -> None:
    await publish(parts, connection, MANY)
    replay_id = await ask(connection, "rebuild", group_of(parts), origin=origin)
    for _ in range(2):
        await crash(parts, kind)
    row = await replay_of(connection, replay_id)
    assert row["state"] == "running"
    assert 0 < row["events_done"] < sum(MANY.values())
    assert await counted(connection) == {}
    monkeypatch.setattr(rebuild, "PAGE", 50)
    async with replaying(parts, pool, projection(parts, live=kind == "projection")):
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", sum(MANY.values()))
    assert await counted(connection) == MANY


async def test_a_migration_in_the_middle_begins_the_rebuild_anew(
    parts: Parts, connection: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await publish(parts, connection, MANY)
    replay_id = await ask(connection, "rebuild", group_of(parts))
    await crash(parts, "dormant")
    await make_tables(parts, "ALTER TABLE counts ADD COLUMN note text NOT NULL DEFAULT 'new'")
    async with replaying(parts, pool, projection(parts, live=False)):
        row = await ended(connection, replay_id)
    assert (row["state"], row["events_done"]) == ("succeeded", sum(MANY.values()))
    assert await counted(connection) == MANY
