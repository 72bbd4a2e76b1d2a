"""Readers that are behind what everybody shares: they read the log itself, and lose nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.kafka.errors import KafkaError
from bridge.kafka.onlooker import Onlooker
from bridge.kafka.record import Partition
from bridge.subscribe.log import Log
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.subscribe.conftest import EARLIEST, Place, serving, subscribing
from tests.integration.subscribe.reading import Reading
from tests.integration.subscribe.writing import Writer
from tests.unit.server.conftest import Issuer

NARROW = 20_000
"""Bytes of a window that holds some 20 small events."""


def of_key(stream: Reading, key: str) -> list[str]:
    return [e.name.removeprefix("events/") for e in stream.events if e.key == key]


@asynccontextmanager
async def writing_on(writer: Writer, written: dict[str, list[str]]) -> AsyncIterator[asyncio.Event]:
    """Write events of each key until told to stop."""
    stop = asyncio.Event()

    async def go_on(key: str, ids: list[str]) -> None:
        while not stop.is_set():
            ids.append(await writer.write(key))

    tasks = [asyncio.create_task(go_on(*one)) for one in written.items()]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("window", [NARROW, pytest.param(10_000_000, marks=pytest.mark.long)])
async def test_where_the_past_meets_the_present_nothing_is_missing_and_nothing_twice(
    place: Place, issuer: Issuer, writer: Writer, window: int
) -> None:
    written = {key: await writer.several(key, 60) for key in ("a", "b", "c")}
    async with (
        serving(place, issuer, window_bytes=window) as server,
        subscribing(server, place, issuer) as subscribe,
        writing_on(writer, written) as stop,
        subscribe(position=EARLIEST) as stream,
    ):
        await stream.until(300)
        stop.set()
        await asyncio.sleep(0.1)
        await stream.until(sum(map(len, written.values())))
        assert await stream.silent(1)
    for key, ids in written.items():
        assert of_key(stream, key) == ids


async def test_a_slow_reader_gets_everything_and_holds_up_nobody(
    place: Place, issuer: Issuer, writer: Writer
) -> None:
    large = orders.OrderConfirmed(order_id="o-1", customer="x" * 40_000)
    async with (
        serving(place, issuer, window_bytes=200_000) as server,
        subscribing(server, place, issuer) as subscribe,
        subscribe(keys=["o-1"]) as slow,
        subscribe() as quick,
    ):
        written = [await writer.write("o-1", large) for _ in range(100)]
        assert await quick.until(100) == written
        assert await slow.until(100) == written
        assert await slow.silent(1)


async def test_a_reader_that_is_lost_is_made_anew_and_goes_on_where_it_was(
    place: Place, issuer: Issuer, writer: Writer
) -> None:
    readers: list[Onlooker] = []
    wedged = 0

    @asynccontextmanager
    async def opened() -> AsyncIterator[Onlooker]:
        async with place.log.open() as reader:
            readers.append(reader)
            yield reader

    async def broken(*_: object) -> None:
        nonlocal wedged
        wedged += 1
        raise KafkaError("planted")

    log = Log(opened, place.log.partitions)
    written: dict[str, list[str]] = {"a": [], "b": []}
    async with (
        serving(place, issuer, log) as server,
        subscribing(server, place, issuer) as subscribe,
        subscribe() as stream,
        writing_on(writer, written) as stop,
    ):
        for _ in range(3):
            await stream.until(len(stream.events) + 10)
            for reader in readers:
                reader.poll = broken  # type: ignore[method-assign,assignment]
        await stream.until(len(stream.events) + 10)
        stop.set()
        await asyncio.sleep(0.1)
        await stream.until(sum(map(len, written.values())))
    assert wedged > 1
    for key, ids in written.items():
        assert of_key(stream, key) == ids


async def test_a_reader_that_gives_nothing_while_there_is_more_is_made_anew(
    place: Place, issuer: Issuer, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.subscribe.watchdog.INTERVAL", 0.2)
    deaf = True

    @asynccontextmanager
    async def opened() -> AsyncIterator[Onlooker]:
        nonlocal deaf
        async with place.log.open() as reader:
            if deaf:
                deaf = False
                reader.poll = silent  # type: ignore[method-assign]
            yield reader

    async def silent(milliseconds: int, most: int) -> dict[Partition, tuple[tuple[()], int]]:
        await asyncio.sleep(milliseconds / 1000)
        return {}

    async with (
        serving(place, issuer, Log(opened, place.log.partitions)) as server,
        subscribing(server, place, issuer) as subscribe,
        subscribe() as stream,
    ):
        written = [await writer.write("a"), await writer.write("b")]
        await stream.until(2)
        assert sorted(stream.ids) == sorted(written)
