"""Writers: concurrent appends that commit at once or late, roll back, or are cancelled.

Options: `streams` (names of orders), `tasks`, `pace` (seconds between two tries of a task, at
most), `ways` and `kinds` (weights by name).
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from random import Random

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import CausewayError, StaleVersion
from bridge.event import Origin
from bridge.store import EventStore
from bridge.waiting import wait_any
from causeway.orders.v1 import events_pb2 as orders_pb2
from tests.integration.bridge.parts import catalog_on, store_on
from tests.torture.database import opened
from tests.torture.history import History
from tests.torture.orders import Orders

LATE_SECONDS = (0.05, 0.5)
AWAY_SECONDS = 0.2
MOST_EVENTS = 3

# What may hit a call while parts of the platform die: whether it was done is unknown then.
HIT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, CausewayError)

KINDS: Mapping[str, type[Message]] = {
    "plain": orders_pb2.OrderConfirmed,
    "flaky": orders_pb2.OrderCancelled,
    "stubborn": orders_pb2.OrderShipped,
    "poison": orders_pb2.OrderRejected,
}
"""What each means to a handler is in `consuming`. All have a field `customer`: the token."""


class Try:
    """One append on its way, and its history."""

    def __init__(self, store: EventStore, history: History, call: str, random: Random) -> None:
        self._store = store
        self._history = history
        self._call = call
        self._random = random

    async def run(
        self,
        connection: asyncpg.Connection,
        order: str,
        kinds: list[type[Message]],
        end: "Callable[[Try, asyncpg.transaction.Transaction], Awaitable[None]]",
    ) -> None:
        """Append behind the head of a stream, and end the transaction as `end` does."""
        stream = f"orders/{order}"
        head = await connection.fetchval(
            "SELECT coalesce(max(version), 0) FROM bridge.events WHERE stream = $1", stream
        )
        tokens = [f"{self._call}-{number}" for number in range(len(kinds))]
        messages = [
            kind(order_id=order, customer=token) for kind, token in zip(kinds, tokens, strict=True)
        ]
        self.note("invoke", stream=stream, after=head, tokens=tokens)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await self._store.append(connection, stream, head, messages, Origin())
            await end(self, transaction)
        except StaleVersion:
            await self.roll_back(transaction)
        except BaseException as error:
            # Also where it was surely not done: nobody has to be that clever.
            self.note("unknown", cause=type(error).__name__)
            raise

    def note(self, at: str, **what: object) -> None:
        self._history.note(at, call=self._call, **what)

    async def commit(self, transaction: asyncpg.transaction.Transaction) -> None:
        await transaction.commit()
        self.note("ok")

    async def commit_late(self, transaction: asyncpg.transaction.Transaction) -> None:
        """Hold a position while higher ones are committed."""
        await asyncio.sleep(self._random.uniform(*LATE_SECONDS))
        await self.commit(transaction)

    async def roll_back(self, transaction: asyncpg.transaction.Transaction) -> None:
        await transaction.rollback()
        self.note("failed")


WAYS = {"commit": Try.commit, "late": Try.commit_late, "roll_back": Try.roll_back}


class Writer:
    """Makes one try after the other, in several tasks."""

    def __init__(self, orders: Orders, pool: asyncpg.Pool, history: History) -> None:
        self._orders = orders
        self._pool = pool
        self._history = history
        self._random = orders.random()
        self._store = store_on(catalog_on(orders.topic))
        self._numbers = itertools.count(1)

    async def run(self, stop: asyncio.Event) -> None:
        """Try again and again until `stop`."""
        while not stop.is_set():
            way = self._chosen("ways")
            trying = asyncio.create_task(self._try(way))
            if way == "cancel":
                await asyncio.wait((trying,), timeout=self._random.uniform(0, 0.03))
                trying.cancel()
            await asyncio.wait((trying,))
            hit = None if trying.cancelled() else trying.exception()
            if hit is not None and not isinstance(hit, HIT):
                raise hit
            pause = self._random.uniform(0, self._orders.options["pace"])
            await wait_any(pause if hit is None else AWAY_SECONDS, stop)

    async def _try(self, way: str) -> None:
        call = f"{self._orders.name}.{self._orders.life}.{next(self._numbers)}"
        order = self._random.choice(self._orders.options["streams"])
        kinds = [KINDS[self._chosen("kinds")] for _ in range(self._random.randint(1, MOST_EVENTS))]
        trial = Try(self._store, self._history, call, self._random)
        async with acquire(self._pool) as connection:
            await trial.run(connection, order, kinds, WAYS.get(way, Try.commit))

    def _chosen(self, what: str) -> str:
        weights: Mapping[str, float] = self._orders.options[what]
        return self._random.choices(list(weights), list(weights.values()))[0]


async def write(orders: Orders, stop: asyncio.Event) -> None:
    """Write until `stop`, then let what is on its way end."""
    tasks = orders.options["tasks"]
    async with opened(orders.dsn, tasks) as pool, asyncio.TaskGroup() as group:
        writer = Writer(orders, pool, orders.history())
        for _ in range(tasks):
            group.create_task(writer.run(stop))
