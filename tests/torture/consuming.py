"""Members of consumer groups whose handlers write one row an event, and fail as its kind says.

Options: `groups`, `pace` (seconds that a handler takes), `stay` (seconds of a guest's visits).
Times of retries and redrives are shorter than the product's, so that a run sees many of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random

import asyncpg

from bridge.consumer.consumer import Consumer
from bridge.consumer.lanes import Limits
from bridge.errors import InvalidArgument, Unavailable
from bridge.handling import Handling
from bridge.parking.redrive import Pace, Redriver
from bridge.subscription import Subscription
from bridge.waiting import wait_any
from causeway.orders.v1 import events_pb2 as orders_pb2
from tests.integration.bridge.parts import catalog_on
from tests.torture.database import opened
from tests.torture.history import History
from tests.torture.orders import Orders

FLAKY_FAILS = 0.3
LIMITS = Limits(patience=2.0)
PACE = Pace(poll=0.5, first_pause=1.0, longest_pause=3.0)
STUBBORN_SECONDS = 4.0
"""Longer than an event is tried in place: it parks, and is tried again by itself."""
CURED = "SELECT EXISTS (SELECT FROM cures WHERE time > $1)"
WRITE = (
    "INSERT INTO effects (consumer_group, event_id, stream, version)"
    " VALUES ($1, $2::text::uuid, $3, $4)"
)


class Handlers:
    """The handlers of one group."""

    def __init__(self, group: str, pace: float, history: History, random: Random) -> None:
        self._group = group
        self._pace = pace
        self._history = history
        self._random = random

    def subscription(self) -> Subscription:
        return Subscription(
            self._group,
            {
                orders_pb2.OrderConfirmed: self._plain,
                orders_pb2.OrderCancelled: self._after(self._flaky),
                orders_pb2.OrderShipped: self._after(_stubborn),
                orders_pb2.OrderRejected: self._after(self._poison),
            },
        )

    def _after(
        self, mischief: Callable[[Handling], Awaitable[None]]
    ) -> Callable[[Handling], Awaitable[None]]:
        async def handle(handling: Handling) -> None:
            await mischief(handling)
            await self._plain(handling)

        return handle

    async def _plain(self, handling: Handling) -> None:
        event = handling.event
        self._history.note("begin", group=self._group, event=event.id)
        await asyncio.sleep(self._pace)
        await handling.connection.execute(WRITE, self._group, event.id, event.stream, event.version)

    async def _flaky(self, _handling: Handling) -> None:
        if self._random.random() < FLAKY_FAILS:
            raise Unavailable("not this time")

    async def _poison(self, handling: Handling) -> None:
        if not await handling.connection.fetchval(CURED, handling.event.time):
            self._history.note("refuse", group=self._group, event=handling.event.id)
            raise InvalidArgument("poison", reason="POISON")


async def _stubborn(handling: Handling) -> None:
    age = datetime.now(UTC) - handling.event.time
    if age.total_seconds() < STUBBORN_SECONDS:
        raise Unavailable("not yet")


Run = Callable[[asyncio.Event], Awaitable[None]]


def members(orders: Orders, pool: asyncpg.Pool) -> list[Run]:
    """What a worker runs for its groups: a consumer for each, and the redrive of all."""
    history, random = orders.history(), orders.random()
    catalog = catalog_on(orders.topic)
    subscriptions = [
        Handlers(group, orders.options["pace"], history, random).subscription()
        for group in orders.options["groups"]
    ]
    consumers = [
        Consumer(one, catalog=catalog, pool=pool, kafka=orders.kafka, limits=LIMITS)
        for one in subscriptions
    ]
    return [*(one.run for one in consumers), Redriver(subscriptions, catalog, pool, PACE).run]


def _connections(orders: Orders) -> int:
    """One for each lane and each key that is redriven, and what the redrive listens on."""
    return LIMITS.lanes * len(orders.options["groups"]) + PACE.at_once + 2


async def consume(orders: Orders, stop: asyncio.Event) -> None:
    """Be a member of each group until `stop`."""
    async with opened(orders.dsn, _connections(orders)) as pool, asyncio.TaskGroup() as tasks:
        for run in members(orders, pool):
            tasks.create_task(_coroutine(run, stop))


async def visit(orders: Orders, stop: asyncio.Event) -> None:
    """Join the groups and leave them again, each after `stay` seconds: both are rebalances."""
    stay = orders.options["stay"]
    async with opened(orders.dsn, _connections(orders)) as pool:
        runs = members(orders, pool)
        while not stop.is_set():
            leave = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                for run in runs:
                    tasks.create_task(_coroutine(run, leave))
                await wait_any(stay, stop)
                leave.set()
            await wait_any(stay, stop)


async def _coroutine(run: Run, stop: asyncio.Event) -> None:
    await run(stop)
