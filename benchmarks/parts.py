"""The real parts that figures are taken on: found running, or started and stopped again.

They are those of the test suite (CAUSEWAY_TEST_STATE, CAUSEWAY_TEST_OFFSET): what runs there is
used and left running. Each measurement has a database and topics of its own.
"""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.kafka.admin import Topic, open_admin
from bridge.kafka.settings import KafkaSettings
from bridge.migrations import migrate
from bridge.store.event_store import EventStore
from stack.components.postgres import SUPERUSER, dsn
from stack.credentials import load_credentials
from stack.settings import load_settings
from tests import platform

OFFSET = int(os.environ.get("CAUSEWAY_TEST_OFFSET", "20000"))
STATE = os.environ.get("CAUSEWAY_TEST_STATE", str(platform.ROOT / ".causeway-test"))
SETTINGS = {"CAUSEWAY_STATE": STATE, "CAUSEWAY_PORT_OFFSET": str(OFFSET)}
PARTS = "postgres,topics,registry"
SOURCE = "/causeway/bench"
SCHEMA = SchemaId(7, 1)
TABLES = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Database:
    """One measurement's own database, with the bridge's tables."""

    superuser: str
    owner: str
    dsn: str
    """Of the service's role."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a measurement is given."""

    postgres: str
    """DSN of who may create databases."""
    kafka: KafkaSettings
    """As who may do everything."""
    registry: str
    say: Callable[[str], None]

    @asynccontextmanager
    async def database(
        self, *, durable: bool = True, tables: Path = TABLES
    ) -> AsyncIterator[Database]:
        """Make a database for the block, with the bridge's tables and those of a folder.

        Not durable: a commit does not wait for the disk, so that what the code costs is seen.
        """
        name, password = f"bench_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
        owner = f"{name}_owner"
        admin = await asyncpg.connect(self.postgres)
        try:
            for role in (owner, name):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
            await admin.execute(f"CREATE DATABASE {name} OWNER {owner}")
            if not durable:
                await admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
            owners = _dsn(self.postgres, f"{owner}:{password}", name)
            await migrate(owners, name, [tables])
            who = urlsplit(self.postgres).netloc.rpartition("@")[0]
            service = _dsn(self.postgres, f"{name}:{password}", name)
            yield Database(_dsn(self.postgres, who, name), owners, service)
        finally:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            for role in (name, owner):
                await admin.execute(f"DROP ROLE IF EXISTS {role}")
            await admin.close()

    @asynccontextmanager
    async def topic(self) -> AsyncIterator[str]:
        """Make a topic for the block: 3 partitions, 3 replicas, 2 in sync."""
        name = f"bench.{uuid.uuid4().hex[:12]}"
        async with open_admin(self.kafka) as admin:
            await admin.create_topics([Topic(name, 3, 3, {"min.insync.replicas": "2"})])
        try:
            yield name
        finally:
            client = AIOKafkaAdminClient(**self.kafka.client())
            await client.start()
            await client.delete_topics([name])
            await client.close()


def catalog_on(topic: str, *modules: ModuleType) -> Catalog:
    """Give the events of generated modules another topic."""
    found = Catalog.of(*modules)
    return Catalog(
        {one.name: replace(one, topic=topic, subject=f"{topic}-{one.name}") for one in found}
    )


def store_on(catalog: Catalog) -> EventStore:
    """Make a store whose schema ids are made up: nobody asks the registry for them here."""
    return EventStore(catalog, {one.name: SCHEMA for one in catalog}, SOURCE)


@contextmanager
def running(say: Callable[[str], None]) -> Iterator[Bench]:
    """Find the parts running, or start them and stop them at the end."""
    found = platform.run(SETTINGS, "env").returncode == 0
    if not found:
        say("starting PostgreSQL, Kafka and the registry")
        platform.start(SETTINGS, "--only", PARTS)
    try:
        yield _bench(say)
    finally:
        if not found:
            platform.stop(SETTINGS)


def _bench(say: Callable[[str], None]) -> Bench:
    started = platform.attach(SETTINGS)
    settings = load_settings(port={"offset": OFFSET}, state=STATE)
    credentials = load_credentials(settings.state)
    return Bench(
        postgres=dsn(settings, credentials, SUPERUSER, "postgres"),
        kafka=KafkaSettings(started["CAUSEWAY_KAFKA"], "admin", credentials["kafka/admin"]),
        registry=started["CAUSEWAY_REGISTRY"],
        say=say,
    )


def _dsn(base: str, who: str, database: str) -> str:
    parts = urlsplit(base)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{who}@{host}", path=f"/{database}"))
