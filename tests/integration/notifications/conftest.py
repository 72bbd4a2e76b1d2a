import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

import services.notifications
from bridge.database import open_pool
from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.server.serve import Server
from bridge.store.event_store import EventStore
from causeway.notifications.v1 import events_pb2
from tests.integration.notifications.customer import Customer
from tests.integration.notifications.mailserver import MailServer, running
from tests.integration.notifications.serving import replica
from tests.integration.service_database import service_database
from tests.integration.service_kit import As, clients
from tests.unit.server.conftest import Issuer

MIGRATIONS = Path(services.notifications.__file__).parent / "migrations"


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A database of Notifications for the session; tests use recipients of their own in it."""
    superuser = os.environ.get("CAUSEWAY_TEST_POSTGRES")
    if not superuser:
        pytest.skip("CAUSEWAY_TEST_POSTGRES is not set: the real part does not run")
    with asyncio.Runner() as runner:
        made = service_database(superuser, MIGRATIONS)
        yield runner.run(made.__aenter__())
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database, max_size=20) as pool:
        yield pool


@pytest.fixture
def store() -> EventStore:
    catalog = Catalog.of(events_pb2)
    ids = {event_type.name: SchemaId(1, 1) for event_type in catalog}
    return EventStore(catalog, ids, "/causeway/notifications")


@pytest.fixture
async def mailserver() -> AsyncIterator[MailServer]:
    async with running() as server:
        yield server


@pytest.fixture
async def server(database: str, pool: asyncpg.Pool, issuer: Issuer) -> AsyncIterator[Server]:
    async with replica(database, pool, issuer) as server:
        yield server


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    async with clients(server, issuer) as connect:
        yield connect


@pytest.fixture
async def customer(pool: asyncpg.Pool, store: EventStore) -> AsyncIterator[Customer]:
    yield Customer(pool, store)
    # What a test left unsent must not reach the mail server of the next one.
    await pool.execute("DELETE FROM bridge.deliveries WHERE state = 'pending'")
