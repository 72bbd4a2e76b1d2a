"""Orders on a real PostgreSQL behind the real server kit, with an issuer of the test's own."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from google.type.money_pb2 import Money

import services.orders
from bridge.changes import Changes
from bridge.database import open_pool
from bridge.events.catalog import Catalog
from bridge.events.schema import SchemaId
from bridge.outages import translate
from bridge.server.serve import Server
from bridge.store.event_store import EventStore
from causeway.orders.v1 import events_pb2
from causeway.orders.v1 import order_service_pb2 as pb
from client.platform import Platform
from services.orders.bootstrap import SOURCE, servicers
from services.orders.order_log import OrderLog
from services.orders.watch import CHANNEL
from tests.integration.service_database import service_database
from tests.integration.service_kit import As, clients, settings_for, started
from tests.unit.server.conftest import Issuer

MIGRATIONS = Path(services.orders.__file__).parent / "migrations"
PRICES = {"book": (12, 500_000_000), "lamp": (40, 0), "desk": (250, 0), "gum": (0, 1)}
ALICE, BOB, OSCAR = (str(uuid.uuid4()) for _ in range(3))


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A database of Orders for the session; tests use customers of their own in it."""
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
def log() -> OrderLog:
    catalog = Catalog.of(events_pb2)
    ids = {event_type.name: SchemaId(1, 1) for event_type in catalog}
    return OrderLog(EventStore(catalog, ids, SOURCE))


@asynccontextmanager
async def replica(
    database: str, pool: asyncpg.Pool, log: OrderLog, issuer: Issuer
) -> AsyncIterator[Server]:
    """One process of Orders' API; all of them have the same signing key."""
    settings = settings_for(issuer)
    changes = Changes(database, CHANNEL)
    server = Server(
        servicers(pool, log, changes, settings),
        settings,
        ready={"changes": changes.ready},
        background=(changes.run,),
        translate=translate,
    )
    async with started(server):
        yield server


@pytest.fixture
async def server(
    database: str, pool: asyncpg.Pool, log: OrderLog, issuer: Issuer
) -> AsyncIterator[Server]:
    async with replica(database, pool, log, issuer) as server:
        yield server


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    async with clients(server, issuer) as connect:
        yield connect


@pytest.fixture
async def alice(call_as: As, products: None) -> Platform:
    """A customer of this test alone."""
    return call_as(str(uuid.uuid4()))


@pytest.fixture
def oscar(call_as: As) -> Platform:
    return call_as(OSCAR, "operator")


@pytest.fixture
async def products(oscar: Platform) -> None:
    """The price list, as `up` makes it."""
    for sku, (units, nanos) in PRICES.items():
        price = Money(currency_code="EUR", units=units, nanos=nanos)
        product = pb.Product(name=f"products/{sku}", display_name=sku, price=price)
        request = pb.UpdateProductRequest(product=product, allow_missing=True)
        await oscar.orders.UpdateProduct(request)


def order_of(*lines: tuple[str, int], request_id: str = "") -> pb.CreateOrderRequest:
    """A request for these (sku, quantity)."""
    items = [pb.Order.Item(sku=sku, quantity=quantity) for sku, quantity in lines]
    return pb.CreateOrderRequest(order=pb.Order(items=items), request_id=request_id)
