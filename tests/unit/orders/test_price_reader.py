import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.orders.price_reader import PriceReader
from services.orders.product_table import Price


class Database:
    """A pool and its connection in one: a price list whose answers wait until they may go."""

    def __init__(self) -> None:
        self.price = 1
        self.asked: list[list[str]] = []
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None

    async def acquire(self) -> "Database":
        return self

    async def release(self, connection: object) -> None:
        assert connection is self

    async def fetch(self, _query: str, skus: Sequence[str]) -> list[dict[str, Any]]:
        self.asked.append(sorted(skus))
        self.began.set()
        rows = [{"sku": sku, "currency": "EUR", "price": self.price} for sku in skus]
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return rows


async def at_once() -> None:
    """Nothing is being committed."""


async def test_those_who_ask_while_a_query_runs_share_the_next_one() -> None:
    database = Database()
    reader = PriceReader(database, at_once)
    first = asyncio.create_task(reader.of({"book"}))
    await database.began.wait()
    database.price = 2
    later = [asyncio.create_task(reader.of({sku})) for sku in ("book", "lamp")]
    await asyncio.sleep(0)
    database.go.set()
    assert (await first)["book"] == Price("EUR", 1)
    prices = await asyncio.gather(*later)
    # Not the older price, though its query was still at work when they asked.
    assert [prices[0]["book"], prices[1]["lamp"]] == [Price("EUR", 2)] * 2
    assert database.asked == [["book"], ["book", "lamp"]]


async def test_a_query_that_fails_fails_those_who_asked_and_nobody_later() -> None:
    database = Database()
    database.go.set()
    database.error = ConnectionResetError("away")
    reader = PriceReader(database, at_once)
    said = await asyncio.gather(*(reader.of({"book"}) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in said] == [ConnectionResetError] * 2
    assert said[0] is not said[1], "each adds its own frames"
    database.error = None
    assert "book" in await reader.of({"book"})


async def test_who_goes_away_leaves_the_others_their_answer() -> None:
    database = Database()
    reader = PriceReader(database, at_once)
    gone, stays = (asyncio.create_task(reader.of({"book"})) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    database.go.set()
    assert "book" in await stays
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_those_who_ask_while_a_group_is_committed_share_one_query() -> None:
    database, committed = Database(), asyncio.Event()
    database.go.set()

    async def until() -> None:
        await committed.wait()

    reader = PriceReader(database, until)
    asking = [asyncio.create_task(reader.of({sku})) for sku in ("book", "lamp")]
    await asyncio.sleep(0.01)
    asking.append(asyncio.create_task(reader.of({"desk"})))
    await asyncio.sleep(0.01)
    assert not database.asked
    committed.set()
    await asyncio.gather(*asking)
    assert database.asked == [["book", "desk", "lamp"]]
