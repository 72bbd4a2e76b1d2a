"""Streams of events from outside: acknowledged once they are stored, and safe to be sent again."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Sequence

import grpc
import pytest

from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.orders.v1 import events_pb2 as orders
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.api.conftest import serving
from tests.integration.api.publishing import adjusted, packed, streams
from tests.integration.api.services import Services
from tests.integration.service_kit import As
from tests.unit.server.conftest import Issuer

Numbered = tuple[int, event_pb2.Event]


@pytest.fixture
def publisher(call_as: As) -> Platform:
    return call_as("publisher", sub="paul")


def numbered(count: int, sku: str = "book") -> list[Numbered]:
    return [(n, adjusted(sku, n, name=f"events/{sku}-{n}")) for n in range(1, count + 1)]


async def sent(
    platform: Platform, events: Sequence[Numbered]
) -> tuple[list[int], CallFailed | None]:
    """The acknowledgements of a stream, and what it ended with."""

    async def requests() -> AsyncIterator[pb.PublishEventsRequest]:
        for sequence, event in events:
            yield pb.PublishEventsRequest(sequence=sequence, event=event)

    return await heard(platform.events.PublishEvents(requests()))


async def heard(
    answers: AsyncIterable[pb.PublishEventsResponse],
) -> tuple[list[int], CallFailed | None]:
    """The acknowledgements of a stream, and what it ended with."""
    acknowledged: list[int] = []
    try:
        async for answer in answers:
            acknowledged += [answer.up_to]
    except CallFailed as error:
        return acknowledged, error
    return acknowledged, None


async def test_a_stream_is_stored_in_order_and_acknowledged_to_its_end(
    services: Services, publisher: Platform
) -> None:
    acknowledged, error = await sent(publisher, numbered(1500))
    assert error is None
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[-1] == 1500
    assert len(acknowledged) < 750, "commits are shared"
    rows = await services["bridge"].fetch("SELECT data FROM bridge.events ORDER BY version")
    deltas = [inventory.StockAdjusted.FromString(row["data"]).delta for row in rows]
    assert deltas == list(range(1, 1501))


async def test_what_is_sent_again_is_acknowledged_and_not_stored_again(
    services: Services, publisher: Platform
) -> None:
    await sent(publisher, numbered(30))
    acknowledged, error = await sent(publisher, numbered(50))
    assert (acknowledged[-1], error) == (50, None)
    assert await streams(services) == {"inventory/book": list(range(1, 51))}


async def test_a_stream_that_is_cut_in_the_middle_and_sent_again_loses_and_repeats_nothing(
    services: Services, publisher: Platform
) -> None:
    async def requests() -> AsyncIterator[pb.PublishEventsRequest]:
        for sequence, event in numbered(200):
            yield pb.PublishEventsRequest(sequence=sequence, event=event)
        await asyncio.Event().wait()

    call = publisher.events.PublishEvents(requests())
    seen = 0
    async for answer in call:
        seen = answer.up_to
        if seen >= 20:
            break
    call.cancel()
    acknowledged, error = await sent(publisher, numbered(300)[seen:])
    assert (acknowledged[-1], error) == (300, None)
    assert await streams(services) == {"inventory/book": list(range(1, 301))}


OTHERS = orders.OrderConfirmed(order_id="o1", customer="users/u1")
FORGED = event_pb2.Event(
    name="events/f", type=OTHERS.DESCRIPTOR.full_name, source="/till", data=packed(OTHERS)
)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ((21, adjusted("no blank", 1, name="events/x")), grpc.StatusCode.INVALID_ARGUMENT),
        ((21, adjusted("book", 1)), grpc.StatusCode.INVALID_ARGUMENT),
        ((20, adjusted("book", 1, name="events/x")), grpc.StatusCode.INVALID_ARGUMENT),
        ((21, adjusted("book", 99, name="events/book-3")), grpc.StatusCode.ALREADY_EXISTS),
        ((21, FORGED), grpc.StatusCode.PERMISSION_DENIED),
    ],
    ids=["rule", "no id", "not ascending", "id of another", "type of another"],
)
async def test_what_is_wrong_ends_the_stream_once_all_before_it_is_acknowledged(
    services: Services, publisher: Platform, wrong: Numbered, code: grpc.StatusCode
) -> None:
    acknowledged, error = await sent(publisher, [*numbered(20), wrong])
    assert acknowledged[-1] == 20
    assert error is not None
    assert error.code == code
    assert f"sequence {wrong[0]}:" in str(error)
    assert await streams(services) == {"inventory/book": list(range(1, 21))}


async def test_behind_a_refused_event_nothing_is_stored_so_that_its_correction_keeps_the_order(
    services: Services, publisher: Platform
) -> None:
    await sent(publisher, numbered(1, "pen"))
    events = numbered(40)
    wrong = (21, adjusted("book", 21, name="events/pen-1"))
    acknowledged, error = await sent(publisher, [*events[:20], wrong, *events[21:]])
    assert acknowledged[-1] == 20
    assert error is not None
    assert error.code == grpc.StatusCode.ALREADY_EXISTS
    assert (await streams(services))["inventory/book"] == list(range(1, 21))
    await sent(publisher, events[20:])
    rows = await services["bridge"].fetch(
        "SELECT data FROM bridge.events WHERE stream = 'inventory/book' ORDER BY version"
    )
    deltas = [inventory.StockAdjusted.FromString(row["data"]).delta for row in rows]
    assert deltas == list(range(1, 41))


async def test_what_does_not_even_decode_is_placed_behind_the_last_that_did(
    services: Services, publisher: Platform
) -> None:
    acknowledged, error = await sent(publisher, [*numbered(5), (6, event_pb2.Event(name="x" * 99))])
    assert acknowledged[-1] == 5
    assert error is not None
    assert "after sequence 5:" in str(error)


async def test_a_stream_ends_with_its_token(services: Services, issuer: Issuer) -> None:
    async def requests() -> AsyncIterator[pb.PublishEventsRequest]:
        for sequence, event in numbered(10):
            yield pb.PublishEventsRequest(sequence=sequence, event=event)
        await asyncio.Event().wait()

    token = issuer.token("publisher", exp=int(time.time()) + 2)

    async def source() -> str:
        return token

    async with (
        serving(services.stores, services.own, issuer) as server,
        Platform(f"127.0.0.1:{server.port}", source) as platform,
    ):
        acknowledged, error = await heard(platform.events.PublishEvents(requests()))
    assert acknowledged[-1] == 10
    assert error is not None
    assert error.code == grpc.StatusCode.UNAUTHENTICATED


async def test_two_streams_of_one_key_are_both_stored_whole(
    services: Services, publisher: Platform
) -> None:
    other = [(n, adjusted("book", -n, name=f"events/other-{n}")) for n in range(1, 201)]
    ends = await asyncio.gather(sent(publisher, numbered(200)), sent(publisher, other))
    assert [acknowledged[-1] for acknowledged, _ in ends] == [200, 200]
    assert await streams(services) == {"inventory/book": list(range(1, 401))}
