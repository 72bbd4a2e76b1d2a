"""Takes the evidence of a run: histories, store, log, effects and what is parked."""

from pathlib import Path

import asyncpg

from bridge.events.codec import decode
from bridge.kafka.settings import KafkaSettings
from tests.integration.bridge.parts import catalog_on, read_all
from tests.torture import history
from tests.torture.evidence import (
    Effect,
    Evidence,
    Parked,
    Published,
    Stored,
    appends_of,
    begun_of,
)

EVENTS = "SELECT event_id::text, stream, version, type, data FROM bridge.events ORDER BY position"
EFFECTS = "SELECT consumer_group, event_id::text, stream, version, ordinal FROM effects"
PARKED = "SELECT consumer_group, event_id::text FROM bridge.parked ORDER BY id"


async def collect(
    dsn: str, kafka: KafkaSettings, topic: str, directory: Path, groups: tuple[str, ...]
) -> Evidence:
    """Read all of it, as it is when nothing new comes any more."""
    connection = await asyncpg.connect(dsn)
    try:
        # One moment of all tables: a redrive may be at work.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            stored = await _stored(connection, topic)
            effects = [Effect(*row) for row in await connection.fetch(EFFECTS)]
            parked = [Parked(*row) for row in await connection.fetch(PARKED)]
    finally:
        await connection.close()
    lines = list(history.read(directory))
    return Evidence(
        groups=groups,
        appends=appends_of(lines),
        stored=stored,
        published=await _published(kafka, topic),
        effects=tuple(effects),
        parked=tuple(parked),
        begun=begun_of(lines),
    )


async def _stored(connection: asyncpg.Connection, topic: str) -> tuple[Stored, ...]:
    catalog = catalog_on(topic)
    rows = await connection.fetch(EVENTS)
    return tuple(
        Stored(event, stream, version, catalog[name].message.FromString(data).customer)  # type: ignore[attr-defined]
        for event, stream, version, name, data in rows
    )


async def _published(kafka: KafkaSettings, topic: str) -> tuple[Published, ...]:
    catalog = catalog_on(topic)
    events = [decode(record, catalog) for record in await read_all(kafka, topic)]
    return tuple(
        Published(one.id, one.stream, one.version, one.partition or 0, one.offset or 0)
        for one in events
    )
