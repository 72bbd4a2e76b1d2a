"""Whose orders are placed together: nobody can keep the others out."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from bridge.errors import InvalidArgument, Unavailable
from bridge.events.event import Origin
from bridge.store.bursts import Making
from bridge.store.repeats import Repeats
from services.orders.placing import Asked, Placing, Wanted, _next


def _call(ask: Callable[[], Asked]) -> Making[Any, Asked]:
    return Making(ask)


def asking(caller: str, request_id: str = "") -> Callable[[], Asked]:
    return lambda: Asked(caller, [], Repeats(caller, "/m", request_id, b""), Origin())


async def test_who_repeats_one_request_waits_behind_the_others() -> None:
    waiting = deque(_call(asking("alice", "same")) for _ in range(40))
    waiting.extend(_call(asking("bob")) for _ in range(20))
    waiting.append(_call(asking("carol", "same")))
    first = _next(waiting)
    assert [call.made and call.made.customer for call in first] == (
        ["alice"] + ["bob"] * 20 + ["carol"]
    )
    assert len(waiting) == 39
    assert len(_next(waiting)) == 1


async def test_a_request_is_read_once_however_often_it_waits() -> None:
    read: list[str] = []

    def ask() -> Asked:
        read.append("")
        return asking("alice", "same")()

    waiting = deque(_call(ask) for _ in range(3))
    while waiting:
        _next(waiting)
    assert len(read) == 3


async def test_a_wrong_request_is_told_so_and_is_in_no_group() -> None:
    def wrong() -> Asked:
        raise InvalidArgument("wrong")

    bad, gone, good = _call(wrong), _call(asking("gone")), _call(asking("bob"))
    gone.outcome.cancel()
    assert _next(deque([bad, gone, good])) == [good]
    with pytest.raises(InvalidArgument):
        await bad.outcome


async def test_requests_that_take_long_to_read_leave_others_of_the_process_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.store.bursts.TURN", -1.0)
    waiting = deque(_call(asking("bob")) for _ in range(3))
    assert [len(_next(waiting)), len(waiting)] == [1, 2]


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


class Log:
    """Orders that are not stored: each call is told that it was there before, with its prices."""

    def __init__(self) -> None:
        self.placed: list[list[int]] = []

    def together(self, _pool: object) -> "Log":
        return self

    def begin(self, _order_id: str, messages: Sequence[Any], _origin: Origin) -> list[int]:
        return [item.unit_price.nanos for message in messages for item in message.items]

    async def append_all(self, appends: Sequence[tuple[list[int], Repeats]]) -> Sequence[Exception]:
        self.placed += [prices for prices, _ in appends]
        return [Unavailable(str(prices)) for prices, _ in appends]


def placing(database: Database) -> tuple[Log, Callable[[str], "asyncio.Task[object]"]]:
    log = Log()
    orders = Placing(database, cast(Any, log))

    def place(sku: str) -> "asyncio.Task[object]":
        wanted = [Wanted(sku, 1)]
        asked = Asked("alice", wanted, Repeats("alice", "/m", "", b""), Origin())
        return asyncio.create_task(orders.place(lambda: asked))

    return log, place


async def test_who_asks_while_prices_are_read_has_those_of_the_next_query() -> None:
    database = Database()
    log, place = placing(database)
    first = place("book")
    await database.began.wait()
    database.price = 2
    later = [place("book"), place("lamp")]
    await asyncio.sleep(0)
    database.go.set()
    await asyncio.gather(first, *later, return_exceptions=True)
    # Not the older price, though its query was still at work when they asked.
    assert log.placed == [[1], [2], [2]]
    assert database.asked == [["book"], ["book", "lamp"]]


async def test_who_goes_away_while_prices_are_read_has_placed_nothing() -> None:
    database = Database()
    log, place = placing(database)
    gone, stays = place("book"), place("lamp")
    await database.began.wait()
    gone.cancel()
    await asyncio.sleep(0)
    database.go.set()
    await asyncio.gather(gone, stays, return_exceptions=True)
    assert len(log.placed) == 1


async def test_prices_that_can_not_be_read_are_told_to_each_and_to_nobody_later() -> None:
    database = Database()
    database.go.set()
    database.error = TimeoutError("the database hangs")
    log, place = placing(database)
    said = await asyncio.gather(place("book"), place("book"), return_exceptions=True)
    assert [type(one) for one in said] == [TimeoutError] * 2
    assert said[0] is not said[1], "each adds its own frames"
    database.error = None
    [said_now] = await asyncio.gather(place("book"), return_exceptions=True)
    assert isinstance(said_now, Unavailable), "of the log: it got there"
    assert len(log.placed) == 1
