"""The connections to the log: nobody waits longer for one than it said, and all are closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.kafka.record import Partition
from bridge.subscribe.log import Log
from bridge.subscribe.pages import Pages
from bridge.subscribe.places import Places
from bridge.subscribe.readers import MOST, Readers
from tests.unit.subscribe.logged import CATALOG, NOON, ONE, OTHER


class Brokers:
    """They answer once they are `there`; counts connections and questions."""

    def __init__(self, *, there: bool = True) -> None:
        self.there = asyncio.Event()
        if there:
            self.there.set()
        self.open = self.opened = self.asked = 0

    def log(self) -> Log:
        nobodys: Any = None  # asked by the tail alone
        return Log(self._connection, nobodys)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        self.open += 1
        self.opened += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def starts(self, partitions: tuple[Partition, ...]) -> dict[Partition, int]:
        self.asked += 1
        await self.there.wait()
        return dict.fromkeys(partitions, self.asked)

    ends = starts

    async def since(self, partitions: tuple[Partition, ...], _: object) -> dict[Partition, int]:
        return await self.starts(partitions)

    async def page(self, where: Partition, at: int, most: int) -> tuple[tuple[()], int]:
        await self.there.wait()
        return (), at + most


async def test_who_waits_for_a_connection_is_told_in_time_that_the_brokers_are_away() -> None:
    brokers = Brokers(there=False)
    readers = Readers(brokers.log())
    places = Places(readers, patience=1)
    now = asyncio.get_running_loop().time
    begun = now()
    asked = [places.ends([Partition("t", number)]) for number in range(10 * MOST)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(one) for one in told} == {Unavailable}
    assert now() - begun < 5, "each waits as long as the first"
    assert brokers.opened < len(asked), "a connection for each"
    assert brokers.open == 0


@pytest.mark.parametrize("kind", ["starts", "ends", "since"])
async def test_those_who_wait_with_one_question_ask_it_once(kind: str) -> None:
    brokers = Brokers(there=False)
    readers = Readers(brokers.log(), most=1)
    places = Places(readers, patience=5)
    moment = (NOON,) if kind == "since" else ()
    ask = getattr(places, kind)
    under_way = asyncio.ensure_future(ask([ONE], *moment))
    await asyncio.sleep(0.01)
    same = [asyncio.ensure_future(ask([ONE], *moment)) for _ in range(20)]
    other = asyncio.ensure_future(ask([OTHER], *moment))
    await asyncio.sleep(0.01)
    brokers.there.set()
    assert await under_way == {ONE: 1}
    assert await asyncio.gather(*same) == [{ONE: 2}] * 20, "none joined what was under way"
    assert await other == {OTHER: 3}
    await readers.close()


async def test_closing_ends_the_questions_and_closes_their_connections() -> None:
    brokers = Brokers(there=False)
    readers = Readers(brokers.log())
    pages = Pages(readers, CATALOG)
    waiting = [asyncio.ensure_future(pages.page(ONE, at)) for at in range(2 * MOST)]
    await asyncio.sleep(0.01)
    assert brokers.open == MOST
    await readers.close()
    assert brokers.open == 0
    waiting.append(asyncio.ensure_future(pages.page(ONE, 99)))
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert {getattr(one, "reason", one) for one in told} == {"DRAINING"}
    assert (brokers.open, brokers.opened) == (0, MOST)


async def test_a_connection_that_answered_is_lent_again_and_closed_at_the_end() -> None:
    brokers = Brokers()
    readers = Readers(brokers.log())
    pages = Pages(readers, CATALOG)
    for at in range(3):
        await pages.page(ONE, at)
    assert (brokers.open, brokers.opened) == (1, 1)
    await readers.close()
    assert brokers.open == 0
