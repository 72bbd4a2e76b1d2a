"""SubscribeEvents behind the real server kit, over a topic of the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import grpc.aio
import pytest

from bridge.api.events import Events
from bridge.api.stores import Stores
from bridge.events.catalog import Catalog
from bridge.kafka.settings import KafkaSettings
from bridge.server.paging import PageTokens
from bridge.server.serve import Server
from bridge.subscribe.log import Log, log_of
from bridge.subscribe.subscriptions import Subscriptions
from bridge.subscribe.window import MOST_BYTES
from causeway.bridge.v1 import event_service_pb2 as pb
from tests.integration.bridge.parts import catalog_on, kafka_settings, own_topic
from tests.integration.service_kit import SIGNING_KEY, settings_for, started
from tests.integration.subscribe.reading import Reading, reading
from tests.integration.subscribe.writing import Writer, writing
from tests.unit.server.conftest import Issuer

BEAT = 0.3
EARLIEST, LATEST = pb.START_POSITION_EARLIEST, pb.START_POSITION_LATEST
SHIPPED = "causeway.orders.v1.OrderShipped"
Subscribe: TypeAlias = Callable[..., AbstractAsyncContextManager[Reading]]


@dataclass(frozen=True)
class Place:
    """A topic of the test's own, and its types: operators may have one of them."""

    kafka: KafkaSettings
    topic: str
    catalog: Catalog
    log: Log


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    kafka = kafka_settings()
    async with own_topic(kafka) as topic:
        types = {one.name: one for one in catalog_on(topic)}
        types[SHIPPED] = replace(types[SHIPPED], subscribe_roles=("operator",))
        yield Place(kafka, topic, Catalog(types), log_of(kafka))


@pytest.fixture
async def writer(place: Place) -> AsyncIterator[Writer]:
    async with writing(place.kafka, place.catalog, place.topic) as opened:
        yield opened


@asynccontextmanager
async def serving(
    place: Place, issuer: Issuer, log: Log | None = None, window_bytes: int = MOST_BYTES
) -> AsyncIterator[Server]:
    """A replica. Its stores are empty: subscriptions ask none."""
    settings = settings_for(issuer)
    subscriptions = Subscriptions(
        log or place.log, place.catalog, SIGNING_KEY.get_secret_value(), BEAT, window_bytes
    )
    nobodys: Any = None  # what the other methods work with
    events = Events(Stores({}), PageTokens(SIGNING_KEY), subscriptions, nobodys)
    server = Server(
        {"causeway.bridge.v1.EventService": events}, settings, background=(subscriptions.run,)
    )
    async with started(server):
        yield server


@pytest.fixture
async def server(place: Place, issuer: Issuer) -> AsyncIterator[Server]:
    async with serving(place, issuer) as server:
        yield server


@asynccontextmanager
async def subscribing(server: Server, place: Place, issuer: Issuer) -> AsyncIterator[Subscribe]:
    """What opens streams of one replica: the request's fields, and who asks."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:

        def subscribe(
            *, role: str = "auditor", sub: str = "u-1", **fields: Any
        ) -> AbstractAsyncContextManager[Reading]:
            request = pb.SubscribeEventsRequest(**{"topics": [place.topic], **fields})
            return reading(channel, issuer.token(role, sub=sub), request)

        yield subscribe


@pytest.fixture
async def subscribe(server: Server, place: Place, issuer: Issuer) -> AsyncIterator[Subscribe]:
    async with AsyncExitStack() as opened:
        yield await opened.enter_async_context(subscribing(server, place, issuer))
