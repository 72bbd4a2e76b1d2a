import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

import services.users
from bridge.database import open_pool
from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.users.v1 import events_pb2
from services.users.keycloak import Keycloak
from tests.integration.service_database import service_database
from tests.integration.service_kit import As, clients, settings_for
from tests.integration.users.changing import System
from tests.integration.users.realm import SECRET, Realm, realm
from tests.integration.users.serving import serving
from tests.unit.server.conftest import Issuer

MIGRATIONS = Path(services.users.__file__).parent / "migrations"


def setting(name: str) -> str:
    """What the test run says of the real parts."""
    value = os.environ.get(name)
    if not value:
        pytest.skip(f"{name} is not set: the real part does not run")
    return value


@pytest.fixture(scope="session")
def keycloak_realm() -> Iterator[Realm]:
    address = setting("CAUSEWAY_TEST_KEYCLOAK")
    with realm(address, setting("CAUSEWAY_TEST_KEYCLOAK_PASSWORD")) as made:
        yield made


@pytest.fixture
async def keycloak(keycloak_realm: Realm) -> AsyncIterator[Keycloak]:
    port = Keycloak(keycloak_realm.address, keycloak_realm.name, "users", SECRET)
    yield port
    await port.close()


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A database of Users for the session; tests use ids of their own in it."""
    superuser = setting("CAUSEWAY_TEST_POSTGRES")
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
    return EventStore(catalog, ids, "/causeway/users")


@pytest.fixture
async def system(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, keycloak_realm: Realm
) -> AsyncIterator[System]:
    system = System(pool, store, keycloak, keycloak_realm)
    await system.register()
    yield system
    await pool.execute("DELETE FROM identity_changes")


@pytest.fixture
def settings(issuer: Issuer) -> ServerSettings:
    return settings_for(issuer)


@pytest.fixture
async def server(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, settings: ServerSettings
) -> AsyncIterator[Server]:
    async with serving(pool, store, keycloak, settings) as server:
        yield server


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    async with clients(server, issuer) as connect:
        yield connect
