"""What tests of the bridge share: a database and a topic of their own, orders as events."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from bridge.events.catalog import Catalog
from bridge.events.event import Event, Origin
from bridge.events.schema import SchemaId
from bridge.kafka.admin import Topic, open_admin
from bridge.kafka.record import Record
from bridge.kafka.settings import KafkaSettings
from bridge.migrations import migrate
from bridge.relay.relay import Relay
from bridge.store.event_store import EventStore
from causeway.orders.v1 import events_pb2 as orders

SOURCE = "/causeway/orders"


@dataclass(frozen=True, slots=True)
class Parts:
    """One test's own corner of the real parts."""

    superuser: str
    owner: str
    dsn: str
    kafka: KafkaSettings
    topic: str
    catalog: Catalog
    store: EventStore


def kafka_settings() -> KafkaSettings:
    return KafkaSettings(
        bootstrap=os.environ["CAUSEWAY_TEST_KAFKA"],
        username=os.environ.get("CAUSEWAY_TEST_KAFKA_USERNAME", ""),
        password=os.environ.get("CAUSEWAY_TEST_KAFKA_PASSWORD", ""),
    )


def catalog_on(topic: str) -> Catalog:
    """The events of Orders, on another topic."""
    return Catalog(
        {
            one.name: replace(one, topic=topic, subject=f"{topic}-{one.name}")
            for one in Catalog.of(orders)
        }
    )


@asynccontextmanager
async def own_database() -> AsyncIterator[tuple[str, str, str]]:
    """A migrated database: DSNs of the superuser, the owner and the application role."""
    base = os.environ["CAUSEWAY_TEST_POSTGRES"]
    name, password = f"t-bridge-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    admin = await asyncpg.connect(base)
    owner, superuser = (_dsn(base, f"{name}-owner", password, name), _dsn(base, "", "", name))
    try:
        for role in (f"{name}-owner", name):
            await admin.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'")
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{name}-owner"')
        await migrate(owner, name)
        yield superuser, owner, _dsn(base, name, password, name)
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for role in (name, f"{name}-owner"):
            await admin.execute(f'DROP ROLE IF EXISTS "{role}"')
        await admin.close()


def _dsn(base: str, role: str, password: str, database: str) -> str:
    parts = urlsplit(base)
    who, _, host = parts.netloc.rpartition("@")
    return urlunsplit(
        parts._replace(
            netloc=f"{role}:{password}@{host}" if role else f"{who}@{host}", path=f"/{database}"
        )
    )


@asynccontextmanager
async def own_topic(kafka: KafkaSettings) -> AsyncIterator[str]:
    name = f"t-bridge-{uuid.uuid4().hex[:12]}"
    names = [name, seals_topic(name)]
    async with open_admin(kafka) as admin:
        await admin.create_topics([Topic(one, 3, 3, {"min.insync.replicas": "2"}) for one in names])
    try:
        yield name
    finally:
        client = AIOKafkaAdminClient(**kafka.client())
        await client.start()
        await client.delete_topics(names)
        await client.close()


def seals_topic(topic: str) -> str:
    """Where the chain's heads go: made with `own_topic`, as the platform has one for all."""
    return f"{topic}-seals"


def store_on(catalog: Catalog) -> EventStore:
    return EventStore(catalog, {one.name: SchemaId(7, 1) for one in catalog}, SOURCE)


def confirmed(order_id: str) -> orders.OrderConfirmed:
    return orders.OrderConfirmed(order_id=order_id, customer="users/u1")


async def append_many(parts: Parts, connection: asyncpg.Connection, counts: dict[str, int]) -> None:
    """Append `counts[order]` events to each stream, interleaved."""
    for version in range(max(counts.values())):
        async with connection.transaction():
            for order_id, count in counts.items():
                if version < count:
                    stream = f"orders/{order_id}"
                    message = [confirmed(order_id)]
                    await parts.store.append(connection, stream, version, message, Origin())


async def append(
    parts: Parts, connection: asyncpg.Connection, order_id: str, expected: int
) -> Event:
    async with connection.transaction():
        [event] = await parts.store.append(
            connection, f"orders/{order_id}", expected, [confirmed(order_id)], Origin()
        )
    return event


@asynccontextmanager
async def relaying(parts: Parts) -> AsyncIterator[Relay]:
    relay = Relay(parts.dsn, parts.kafka, parts.catalog, SOURCE, seals=seals_topic(parts.topic))
    async with running(relay.run):
        yield relay


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a background part for the length of the block, and stop it as a service does."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield
        if task.done():
            await task
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def until(
    condition: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 90
) -> None:
    """Wait until something holds; fail if it does not within `seconds`."""
    end = time.monotonic() + seconds
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        assert time.monotonic() < end, "it did not come to hold in time"
        await asyncio.sleep(0.05)


async def outbox_is_empty(connection: asyncpg.Connection) -> bool:
    return not await connection.fetchval("SELECT count(*) FROM bridge.outbox")


async def read_all(kafka: KafkaSettings, topic: str) -> list[Record]:
    """All records of a topic, in order per partition."""
    consumer = AIOKafkaConsumer(topic, **kafka.client(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        await consumer.seek_to_beginning()
        found: list[Record] = []
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(records)
        return found
    finally:
        await consumer.stop()
