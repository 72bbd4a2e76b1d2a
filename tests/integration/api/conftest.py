"""The bridge's API behind the real server kit, over databases of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import causeway
from bridge.api.bootstrap import servicers
from bridge.api.known_types import KnownTypes
from bridge.api.once import Once
from bridge.api.publish import Publisher
from bridge.api.stores import Store, Stores
from bridge.events.catalog import Catalog
from bridge.events.described import described_in
from bridge.events.schema import SchemaId
from bridge.kafka.cluster import Cluster
from bridge.kafka.settings import KafkaSettings
from bridge.outages import translate
from bridge.server.paging import PageTokens
from bridge.server.serve import Server
from bridge.store.intake import Intake
from bridge.subscribe.log import log_of
from bridge.subscribe.subscriptions import Subscriptions
from causeway.inventory.v1 import events_pb2 as inventory
from client.platform import Platform
from tests.integration.api.services import Databases, Services, emptied, own_databases
from tests.integration.service_kit import SIGNING_KEY, As, clients, settings_for, started
from tests.unit.server.conftest import Issuer

DESCRIPTORS = Path(causeway.__path__[0]) / "descriptors.binpb"
INVENTORY = Catalog.of(inventory)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """For the session, because making them takes seconds; each test finds them empty."""
    with asyncio.Runner() as runner:
        made = own_databases()
        yield runner.run(made.__aenter__())
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
async def services(databases: Databases) -> AsyncIterator[Services]:
    async with emptied(databases) as opened:
        yield opened


async def _no_cluster() -> Cluster:
    raise AssertionError("nobody asks for it here")


async def _schemas() -> Mapping[str, SchemaId]:
    return {one.name: SchemaId(7, 1) for one in INVENTORY}


@asynccontextmanager
async def serving(stores: Stores, own: Store, issuer: Issuer) -> AsyncIterator[Server]:
    """The API over these stores."""
    settings = settings_for(issuer)
    nobodys = Subscriptions(log_of(KafkaSettings("nowhere:1")), described_in(DESCRIPTORS), "", 15)
    known = KnownTypes.of(DESCRIPTORS)
    publisher = Publisher(
        Intake(own.pool), INVENTORY, described_in(DESCRIPTORS), _schemas, "/causeway/bridge"
    )
    parts = servicers(
        stores, Once(own), PageTokens(SIGNING_KEY), known, _no_cluster, nobodys, publisher
    )
    server = Server(parts, settings, translate=translate)
    async with started(server):
        yield server


@pytest.fixture
async def server(services: Services, issuer: Issuer) -> AsyncIterator[Server]:
    async with serving(services.stores, services.own, issuer) as server:
        yield server


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    """A client with these roles."""
    async with clients(server, issuer) as connect:
        yield lambda *roles, sub="u-1": connect(sub, *roles)


@pytest.fixture
def auditor(call_as: As) -> Platform:
    return call_as("auditor")


@pytest.fixture
def admin(call_as: As) -> Platform:
    return call_as("admin")
