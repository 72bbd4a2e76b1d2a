"""Databases of several services, read by the API as a role with its rights and no others."""

import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
from google.protobuf.message import Message

from bridge.api.stores import Store, Stores, open_stores
from bridge.events.catalog import Catalog
from bridge.events.event import Event, Origin
from bridge.events.schema import SchemaId
from bridge.migrations import migrate
from bridge.store.event_store import EventStore
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from tests.integration.bridge.parts import _dsn, own_database

CATALOG = Catalog.of(orders, users)
NAMES = ("bridge", "orders", "users")
NOBODY = Origin()


@dataclass(frozen=True)
class Services:
    """A connection of each service's own, and the stores as the API has them."""

    connections: Mapping[str, asyncpg.Connection]
    stores: Stores
    own: Store
    own_dsn: str

    def __getitem__(self, service: str) -> asyncpg.Connection:
        return self.connections[service]

    async def append(
        self, service: str, message: Message, version: int = 0, origin: Origin = NOBODY
    ) -> Event:
        """Write an event as the service does; `version` is the one that its stream is at."""
        ids = {one.name: SchemaId(7, 1) for one in CATALOG}
        store = EventStore(CATALOG, ids, f"/causeway/{service}")
        stream = CATALOG.type_of(message).stream_of(message)
        async with self[service].transaction():
            [event] = await store.append(self[service], stream, version, [message], origin)
        return event


@dataclass(frozen=True)
class Databases:
    """DSNs by service: of the owner, of the service, and of the API."""

    owners: Mapping[str, str]
    services: Mapping[str, str]
    audit: Mapping[str, str]


@asynccontextmanager
async def own_databases() -> AsyncIterator[Databases]:
    """Fresh databases, and a role that has the rights of the bridge in them."""
    async with AsyncExitStack() as opened:
        role, password = await opened.enter_async_context(_role())
        owners, services, audit = {}, {}, {}
        for name in NAMES:
            superuser, owner, dsn = await opened.enter_async_context(own_database())
            database = urlsplit(dsn)
            await migrate(owner, database.username or "", audit_role=role)
            owners[name], services[name] = owner, dsn
            audit[name] = _dsn(superuser, role, password, database.path.removeprefix("/"))
        # In its own database it is a service like any other.
        yield Databases(owners, services, audit | {"bridge": services["bridge"]})


@asynccontextmanager
async def emptied(databases: Databases) -> AsyncIterator[Services]:
    """The services with nothing in their tables."""
    async with AsyncExitStack() as opened:
        connections = {}
        for name in NAMES:
            await _empty(databases.owners[name])
            connections[name] = await asyncpg.connect(databases.services[name])
            opened.push_async_callback(connections[name].close)
        stores = await opened.enter_async_context(open_stores(databases.audit))
        own = {"bridge": databases.audit["bridge"]}
        claims = await opened.enter_async_context(open_stores(own))
        yield Services(connections, stores, claims.by_name("bridge"), own["bridge"])


async def _empty(owner: str) -> None:
    connection = await asyncpg.connect(owner)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'bridge'")
        tables = ", ".join(f"bridge.{row['tablename']}" for row in rows)
        await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    finally:
        await connection.close()


@asynccontextmanager
async def _role() -> AsyncIterator[tuple[str, str]]:
    name, password = f"t-audit-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    admin = await asyncpg.connect(os.environ["CAUSEWAY_TEST_POSTGRES"])
    try:
        await admin.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'")
        yield name, password
    finally:
        await admin.execute(f'DROP ROLE IF EXISTS "{name}"')
        await admin.close()
