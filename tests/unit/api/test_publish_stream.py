"""How a stream of events is taken: read ahead within bounds, and no further."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from bridge.api.inflow import Inflow
from bridge.api.publish_stream import stored
from bridge.errors import InvalidArgument, Unavailable
from bridge.store.offer import Offer, Outcome
from causeway.bridge.v1 import event_service_pb2 as pb
from tests.integration.api.publishing import adjusted
from tests.unit.api.test_publishable import offered


def request(sequence: int) -> pb.PublishEventsRequest:
    event = adjusted("book", sequence, name=f"events/{sequence}")
    return pb.PublishEventsRequest(sequence=sequence, event=event)


def message_of(raw: bytes) -> pb.PublishEventsRequest:
    if not raw:
        raise InvalidArgument("no such thing")
    return pb.PublishEventsRequest.FromString(raw)


def offer_of(one: pb.PublishEventsRequest) -> Offer:
    return offered(one.event)


class Store:
    """Takes what it is given, when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.may.set()
        self.batches: list[int] = []

    async def put(self, offers: Sequence[Offer]) -> list[Outcome]:
        await self.may.wait()
        self.batches.append(len(offers))
        return [offer.stored(1) for offer in offers]


class Source:
    """Sends `count` events, one a turn of the loop, and counts how many were read."""

    def __init__(self, count: int, end: bytes | None = None, *, pause: bool = True) -> None:
        self.count, self.end, self.pause, self.read = count, end, pause, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for sequence in range(1, self.count + 1):
            self.read += 1
            yield request(sequence).SerializeToString()
            if self.pause:
                await asyncio.sleep(0)
        if self.end is not None:
            yield self.end


async def acknowledged(source: Source, store: Store) -> list[int]:
    return [one async for one in stored(aiter(source), message_of, offer_of, store.put)]


async def test_reading_pauses_while_as_much_as_may_waits_to_be_stored() -> None:
    store, source = Store(), Source(5000)
    store.may.clear()
    stream = asyncio.create_task(acknowledged(source, store))
    read = -1
    while read != source.read:
        read = source.read
        await asyncio.sleep(0.05)
    assert 512 <= read <= 2 * 512
    store.may.set()
    assert (await stream)[-1] == 5000
    assert sum(store.batches) == 5000
    assert max(store.batches) <= 512


async def test_events_that_wait_are_bounded_in_bytes_too() -> None:
    inflow = Inflow(most=100, most_bytes=3000)
    for sequence in (1, 2):
        await inflow.put(b"%d" % sequence * 1000)
    third = asyncio.create_task(inflow.put(b"3" * 1000))
    await asyncio.sleep(0.01)
    assert not third.done()
    assert [one[:1] for one in await inflow.take()] == [b"1", b"2", b"3"]
    await third


async def test_behind_what_is_wrong_nothing_is_stored_though_it_was_read() -> None:
    def third_is_wrong(one: pb.PublishEventsRequest) -> Offer:
        if one.sequence == 3:
            raise InvalidArgument("no such thing")
        return offer_of(one)

    store = Store()
    stream = stored(aiter(Source(5, pause=False)), message_of, third_is_wrong, store.put)
    assert await anext(stream) == 2
    with pytest.raises(InvalidArgument, match=r"^sequence 3: no such thing$"):
        await anext(stream)
    assert store.batches == [2]


async def test_events_that_come_while_others_are_stored_share_the_next_commit() -> None:
    store, source = Store(), Source(300)
    store.may.clear()
    stream = asyncio.create_task(acknowledged(source, store))
    for _ in range(400):  # turns: one for each event, and some
        await asyncio.sleep(0)
    store.may.set()
    up_to = await stream
    assert up_to == sorted(set(up_to))
    assert len(store.batches) == len(up_to)
    assert store.batches[1] > 50


async def test_the_end_of_a_broken_stream_is_told_after_the_last_acknowledgement() -> None:
    source = Source(7, b"")
    stream = stored(aiter(source), message_of, offer_of, Store().put)
    while (up_to := await anext(stream)) != 7:
        assert up_to < 7
    with pytest.raises(InvalidArgument, match=r"^after sequence 7: no such thing$"):
        await anext(stream)


async def test_a_store_that_is_away_ends_the_stream_and_its_reading() -> None:
    source = Source(10**9)

    async def away(_offers: Sequence[Offer]) -> list[Outcome]:
        raise Unavailable("the database is away")

    with pytest.raises(Unavailable):
        async for _ in stored(aiter(source), message_of, offer_of, away):
            pass
    read = source.read
    await asyncio.sleep(0.05)
    assert source.read == read
