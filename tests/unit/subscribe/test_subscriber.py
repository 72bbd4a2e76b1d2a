"""One reader between the shared window and the pages behind it."""

import asyncio
import random
import tracemalloc
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from bridge.errors import Unavailable
from bridge.kafka.record import Partition
from bridge.subscribe.pages import Page
from bridge.subscribe.seen import MOST_BYTES, Seen
from bridge.subscribe.subscriber import Subscriber
from bridge.subscribe.wanted import Wanted
from bridge.subscribe.window import Window
from tests.unit.subscribe.logged import ONE, OTHER, TOPIC, seen

KEYS = ("mine", "others")


class Log:
    """A whole log, read in pages; `reads` counts them."""

    def __init__(self) -> None:
        self.records: dict[Partition, list[Seen]] = {ONE: [], OTHER: []}
        self.reads = 0

    def write(self, where: Partition, key: str) -> Seen:
        self.records[where].append(seen(where, len(self.records[where]), key))
        return self.records[where][-1]

    async def page(self, where: Partition, at: int) -> Page:
        self.reads += 1
        await asyncio.sleep(0)
        some = self.records[where][at : at + 7]
        return Page(some, at + len(some))


def told(records: Sequence[tuple[Partition, Seen]], key: str = "") -> dict[Partition, list[int]]:
    return {
        where: [one.offset for at, one in records if at == where and key.encode() in one.key]
        for where in (ONE, OTHER)
    }


def written(log: Log, key: str) -> dict[Partition, list[int]]:
    return told([(where, one) for where, some in log.records.items() for one in some], key)


async def write(log: Log, window: Window, reader: Subscriber, chance: random.Random) -> None:
    """Write as the tail does, at any pace."""
    for _ in range(200):
        where = chance.choice((ONE, OTHER))
        before = window.next(where)
        one = log.write(where, chance.choice(KEYS))
        window.add(where, one)
        reader.offer(where, one, before)
        if chance.random() < 0.3:
            await asyncio.sleep(0)


def begun(log: Log, window: Window, chance: random.Random) -> None:
    """A past that the window does not have."""
    for where in (ONE, OTHER):
        for _ in range(chance.randrange(40)):
            log.write(where, chance.choice(KEYS))
        window.begin(where, len(log.records[where]))


@pytest.mark.parametrize("key", ["", "mine"])
@pytest.mark.parametrize("window_bytes", [5_000, 20_000, 10_000_000])
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_the_pace_everything_wanted_comes_once_and_in_order(
    seed: int, window_bytes: int, key: str
) -> None:
    chance = random.Random(seed)  # noqa: S311 (paces, no secrets)
    log, window = Log(), Window(window_bytes)
    wanted = Wanted((TOPIC,), keys=frozenset([b"mine"]) if key else None)
    reader = Subscriber(wanted, {ONE: 0, OTHER: 0})
    begun(log, window, chance)
    writing = asyncio.create_task(write(log, window, reader, chance))
    got: list[tuple[Partition, Seen]] = []
    async with aclosing(reader.records(window, log, beat=0.02)) as records:
        async for one in records:
            if one is None and writing.done():
                break
            if one is not None:
                where = Partition(TOPIC, one.event().partition)
                assert reader.at[where] == one.offset + 1, "a token of now goes on behind it"
                got.append((where, one))
    assert told(got, key) == written(log, key)
    assert reader.at == window.places(), "also what it did not want is behind it"


async def test_a_reader_at_the_end_passes_over_what_it_does_not_want_without_waking() -> None:
    log, window = Log(), Window(2_000)
    reader = Subscriber(Wanted((TOPIC,), keys=frozenset([b"mine"])), {ONE: 0})
    window.begin(ONE, 0)
    for offset in range(50):
        one = log.write(ONE, "others")
        window.add(ONE, one)
        reader.offer(ONE, one, offset)
    async with aclosing(reader.records(window, log, beat=0)) as records:
        assert await anext(records) is None
    assert (reader.at, log.reads) == ({ONE: 50}, 0)


async def test_readers_that_stall_at_different_moments_hold_a_slice_each() -> None:
    large, number = 100_000, 20
    window = Window(10 * large)
    window.begin(ONE, 0)
    stalled = []
    tracemalloc.start()
    try:
        for offset in range(10 * number):
            window.add(ONE, seen(ONE, offset, customer=f"{offset:0{large}}"))
            if offset % 10 == 9:
                reader = Subscriber(Wanted((TOPIC,)), {ONE: offset - 8})
                stalled.append(reader.records(window, Log(), beat=60))
                assert await anext(stalled[-1]) is not None
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        for one in stalled:
            await one.aclose()
    assert held < 10 * large + number * (MOST_BYTES + large)


async def test_a_reader_that_is_told_to_go_goes() -> None:
    window = Window()
    window.begin(ONE, 0)
    reader = Subscriber(Wanted((TOPIC,)), {ONE: 0})
    async with aclosing(reader.records(window, Log(), beat=60)) as records:
        waiting = asyncio.ensure_future(anext(records))
        await asyncio.sleep(0)
        reader.fail(Unavailable("away"))
        with pytest.raises(Unavailable):
            await waiting
