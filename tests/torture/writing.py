"""Writers: concurrent appends that commit at once, late or together, roll back, or are cancelled.

Options: `streams` (names of orders), `tasks`, `pace` (seconds between two tries of a task, at
most), `ways` and `kinds` (weights by name).
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import CausewayError, StaleVersion
from bridge.events.event import Origin
from bridge.store.event_store import EventStore
from bridge.store.group_commit import GroupCommit
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
# InternalClientError: asyncpg (0.32) gives a connection back twice that is lost while its caller is
# cancelled.
HIT = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    CausewayError,
)

HEAD = "SELECT coalesce(max(version), 0) FROM bridge.events WHERE stream = $1"

KINDS: Mapping[str, type[Message]] = {
    "plain": orders_pb2.OrderConfirmed,
    "flaky": orders_pb2.OrderCancelled,
    "stubborn": orders_pb2.OrderShipped,
    "poison": orders_pb2.OrderRejected,
}
"""What each means to a handler is in `consuming`. All have a field `customer`: the token."""


class Trying(NamedTuple):
    """What a try appends: the arguments of an append."""

    stream: str
    expected_version: int
    messages: Sequence[Message]
    origin: Origin = Origin()


class Ways:
    """The ways to append. Each returns whether it was committed; StaleVersion: it was not."""

    def __init__(self, store: EventStore, pool: asyncpg.Pool, random: Random) -> None:
        self._store = store
        self._pool = pool
        self._random = random
        self._group = GroupCommit(pool, store)
        self.by_name: Mapping[str, Callable[[Trying], Awaitable[bool]]] = {
            "commit": partial(self._in_transaction, end=_commit),
            "late": partial(self._in_transaction, end=self._commit_late),
            "roll_back": partial(self._in_transaction, end=_roll_back),
            "alone": self._alone,
            "grouped": self._grouped,
        }

    async def _alone(self, trying: Trying) -> bool:
        """A transaction of one statement."""
        async with acquire(self._pool) as connection:
            await self._store.append(connection, *trying)
        return True

    async def _grouped(self, trying: Trying) -> bool:
        """A transaction that others share."""
        await self._group.append(*trying)
        return True

    async def _in_transaction(
        self, trying: Trying, end: Callable[[asyncpg.transaction.Transaction], Awaitable[bool]]
    ) -> bool:
        async with acquire(self._pool) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await self._store.append(connection, *trying)
            except StaleVersion:
                await transaction.rollback()
                raise
            return await end(transaction)

    async def _commit_late(self, transaction: asyncpg.transaction.Transaction) -> bool:
        """Hold a position while higher ones are committed."""
        await asyncio.sleep(self._random.uniform(*LATE_SECONDS))
        return await _commit(transaction)


async def _commit(transaction: asyncpg.transaction.Transaction) -> bool:
    await transaction.commit()
    return True


async def _roll_back(transaction: asyncpg.transaction.Transaction) -> bool:
    await transaction.rollback()
    return False


class Writer:
    """Makes one try after the other, in several tasks."""

    def __init__(self, orders: Orders, pool: asyncpg.Pool, history: History) -> None:
        self._orders = orders
        self._pool = pool
        self._history = history
        self._random = orders.random()
        self._ways = Ways(store_on(catalog_on(orders.topic)), pool, self._random)
        self._numbers = itertools.count(1)

    async def run(self, stop: asyncio.Event) -> None:
        """Try again and again until `stop`."""
        while not stop.is_set():
            way = self._chosen("ways")
            cancelled = way == "cancel"
            trying = asyncio.create_task(self._try(self._cut_short() if cancelled else way))
            if cancelled:
                await asyncio.wait((trying,), timeout=self._random.uniform(0, 0.03))
                trying.cancel()
            await asyncio.wait((trying,))
            hit = None if trying.cancelled() else trying.exception()
            if hit is not None and not isinstance(hit, HIT):
                raise hit
            pause = self._random.uniform(0, self._orders.options["pace"])
            await wait_any(pause if hit is None else AWAY_SECONDS, stop)

    async def _try(self, way: str) -> None:
        """Append behind the head of some stream, and note what is known of it."""
        call = f"{self._orders.name}.{self._orders.life}.{next(self._numbers)}"
        order = self._random.choice(self._orders.options["streams"])
        stream = f"orders/{order}"
        async with acquire(self._pool) as connection:
            head = await connection.fetchval(HEAD, stream)
        tokens = [f"{call}-{number}" for number in range(self._random.randint(1, MOST_EVENTS))]
        messages = [
            KINDS[self._chosen("kinds")](order_id=order, customer=token) for token in tokens
        ]
        self._history.note("invoke", call=call, stream=stream, after=head, tokens=tokens, way=way)
        try:
            committed = await self._ways.by_name[way](Trying(stream, head, messages))
            self._history.note("ok" if committed else "failed", call=call)
        except StaleVersion:
            self._history.note("failed", call=call)
        except BaseException as error:
            # Also where it was surely not done: nobody has to be that clever.
            self._history.note("unknown", call=call, cause=type(error).__name__)
            raise

    def _chosen(self, what: str) -> str:
        weights: Mapping[str, float] = self._orders.options[what]
        return self._random.choices(list(weights), list(weights.values()))[0]

    def _cut_short(self) -> str:
        return self._random.choice(("commit", "alone", "grouped"))


async def write(orders: Orders, stop: asyncio.Event) -> None:
    """Write until `stop`, then let what is on its way end."""
    tasks = orders.options["tasks"]
    async with opened(orders.dsn, tasks) as pool, asyncio.TaskGroup() as group:
        writer = Writer(orders, pool, orders.history())
        for _ in range(tasks):
            group.create_task(writer.run(stop))
