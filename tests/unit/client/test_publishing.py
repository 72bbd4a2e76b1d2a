"""Against a real gRPC server on loopback whose PublishEvents breaks as a test wants."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2 import PublishEventsResponse
from causeway.bridge.v1.event_service_pb2_grpc import (
    EventServiceServicer,
    add_EventServiceServicer_to_server,
)
from client import streams
from client.errors import InvalidArgument, Unavailable
from client.platform import Platform
from client.publishing import Publisher, publishing
from tests.unit.client.fakes import Refusal

AWAY = Refusal(grpc.StatusCode.UNAVAILABLE)
STALE = Refusal(grpc.StatusCode.UNAUTHENTICATED)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(streams, "PATIENCE", 1.0)


class Store:
    """Stores by name. `breaks` holds, for each stream, after how many events it breaks and how;
    a stream behind those is good. `batch`: events that one acknowledgement is for; `deaf`: how many
    events are stored and never acknowledged; `refused`: a key that is not taken."""

    def __init__(
        self, *breaks: tuple[int, Refusal], batch: int = 1, deaf: int = 0, refused: str = ""
    ) -> None:
        self.breaks = list(breaks)
        self.batch = batch
        self.deaf = deaf
        self.refused = refused
        self.stored: dict[str, Event] = {}
        self.received = 0
        self.tokens: list[str] = []

    async def publish(self, requests: Any, context: Any) -> AsyncIterator[PublishEventsResponse]:
        self.tokens.append(dict(context.invocation_metadata())["authorization"])
        limit, refusal = self.breaks.pop(0) if self.breaks else (None, AWAY)
        expected = 0
        async for request in requests:
            expected += 1
            assert request.sequence == expected
            if limit is not None and expected > limit:
                await context.abort(refusal.code, refusal.message)
            if self.refused and request.event.key == self.refused:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such key")
            self.received += 1
            self.stored[request.event.name] = request.event
            if self.deaf:
                self.deaf -= 1
                await asyncio.sleep(60)
            if expected % self.batch == 0:
                yield PublishEventsResponse(up_to=expected)


class Events(EventServiceServicer):
    def __init__(self, store: Store) -> None:
        self._store = store

    async def PublishEvents(  # noqa: N802
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[PublishEventsResponse]:
        async for answer in self._store.publish(request_iterator, context):
            yield answer


@asynccontextmanager
async def connected(store: Store) -> AsyncIterator[Platform]:
    server = grpc.aio.server()
    add_EventServiceServicer_to_server(Events(store), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    tokens = itertools.count()

    async def token() -> str:
        return str(next(tokens))

    try:
        async with Platform(f"http://127.0.0.1:{port}", token) as causeway:
            yield causeway
    finally:
        await server.stop(0)


async def send(publisher: Publisher, count: int) -> list[str]:
    return [await publisher.send(Event(source="/test", key=str(i))) for i in range(count)]


async def test_all_is_stored_once_and_in_order_when_the_block_is_left() -> None:
    store = Store(batch=10)
    async with connected(store) as causeway, publishing(causeway.events, window=20) as publisher:
        names = await send(publisher, 100)
    assert list(store.stored) == names
    assert [event.key for event in store.stored.values()] == [str(i) for i in range(100)]
    assert (store.received, publisher.stored) == (100, 100)
    assert store.tokens == ["Bearer 0"]


async def test_after_a_break_the_rest_goes_again_under_the_same_names() -> None:
    store = Store((7, AWAY), (0, AWAY), (3, STALE))
    async with connected(store) as causeway, publishing(causeway.events) as publisher:
        names = await send(publisher, 20)
    assert list(store.stored) == names
    assert store.received >= 20, "what was not acknowledged was sent again"
    assert store.tokens == [f"Bearer {i}" for i in range(4)], "each stream has a fresh token"


async def test_a_given_name_is_kept() -> None:
    store = Store()
    async with connected(store) as causeway, publishing(causeway.events) as publisher:
        assert await publisher.send(Event(name="events/mine")) == "events/mine"
        await publisher.flush()
        assert list(store.stored) == ["events/mine"]


async def test_a_refusal_is_raised_in_the_servers_words_and_says_how_far_it_came() -> None:
    store = Store(refused="30")
    with pytest.raises(InvalidArgument, match="PublishEvents: INVALID_ARGUMENT: no such key"):
        async with connected(store) as causeway, publishing(causeway.events) as publisher:
            await send(publisher, 100)
    assert publisher.stored == 30


async def test_a_service_that_stays_away_is_given_up() -> None:
    store = Store(*[(0, AWAY)] * 1000)
    with pytest.raises(Unavailable):
        async with connected(store) as causeway, publishing(causeway.events) as publisher:
            await send(publisher, 1)
    assert 5 < len(store.tokens) < 20


async def test_a_stream_without_acknowledgements_is_given_up_and_what_it_held_sent_again() -> None:
    store = Store(deaf=1)
    async with (
        connected(store) as causeway,
        publishing(causeway.events, silence=0.2) as publisher,
    ):
        names = await send(publisher, 5)
    assert list(store.stored) == names
    assert len(store.tokens) == 2


async def test_a_full_window_makes_the_sender_wait() -> None:
    store = Store(deaf=1)
    async with connected(store) as causeway:
        publisher = Publisher(causeway.events, window=3, silence=20)
        running = asyncio.create_task(publisher.run())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send(publisher, 10), 0.3)
        assert publisher.sent == 3
        running.cancel()


async def test_a_quiet_publisher_holds_no_stream_and_goes_on_with_a_new_one() -> None:
    store = Store()
    async with (
        connected(store) as causeway,
        publishing(causeway.events, silence=0.05) as publisher,
    ):
        assert store.tokens == []
        await send(publisher, 1)
        await asyncio.sleep(0.3)
        await send(publisher, 1)
    assert len(store.stored) == len(store.tokens) == 2
