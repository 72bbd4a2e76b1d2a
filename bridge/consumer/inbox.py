"""Handling events once in effect: the inbox rows live in the handlers' transaction."""

from collections.abc import Collection, Iterator, Sequence

import asyncpg

from bridge.database import acquire, prompt, transaction
from bridge.errors import Undecodable
from bridge.events.catalog import Catalog
from bridge.events.codec import decode
from bridge.events.event import Event, caused_by
from bridge.handling import BatchHandler, Handling, Middleware, compose
from bridge.kafka.record import Record
from bridge.middleware.contained import contained
from bridge.parking.park import Parking
from bridge.parking.stored import key_text
from bridge.sql import queries
from bridge.subscription import Subscription


class Inbox:
    """Runs a group's handlers over events, each event once."""

    def __init__(
        self,
        subscription: Subscription,
        middlewares: Sequence[Middleware],
        catalog: Catalog,
        pool: asyncpg.Pool,
    ) -> None:
        """`middlewares` go around each handler, the first outermost."""
        self._group = subscription.group
        self._types = {name.encode() for name in catalog.stored_as(subscription.types)}
        self._run = runner(subscription, middlewares)
        self._catalog = catalog
        self._pool = pool
        self._parking = Parking(subscription.group, pool, packages_of(subscription))
        self._sql = queries("inbox")
        self.handled = 0
        """Events that this has handled, of batches that are rolled back too."""

    def wants(self, record: Record) -> bool:
        """Whether the group has a handler for it; a record without a type must be looked at."""
        for name, value in record.headers:
            if name == "ce_type":
                return not value or value in self._types
        return True

    async def handle(self, records: Sequence[Record], attempt: int) -> None:
        """Handle records in order in one transaction; those of parked keys are parked.

        An error: nothing of it has happened. A database that does not answer counts as away,
        whether it was the bridge's statement or the handler's that it left without an answer.
        """
        read = [self._read(record) for record in records]
        keys = [key_text(record.key) for record in records]
        ids = [one.id if isinstance(one, Event) else None for one in read]
        async with acquire(self._pool) as connection, transaction(connection):
            with prompt():
                new, parked = await connection.fetchrow(
                    self._sql["take_live"], self._group, ids, keys, attempt
                )
                if parked:
                    behind = [one for one, key in zip(records, keys, strict=True) if key in parked]
                    await self._parking.behind(connection, behind)
            events = list(_readable(read, keys, parked))
            if new is not None:
                events = _among(events, new)
            await self._handle(connection, events, attempt)

    async def park(self, record: Record, error: Exception, attempts: int) -> None:
        """Park a record that failed `attempts` times, last with `error`, in a transaction."""
        await self._parking.park(record, error, attempts)

    async def apply(
        self,
        connection: asyncpg.Connection,
        events: Sequence[Event],
        *,
        attempt: int = 1,
        epoch: int = 0,
        effects: frozenset[str] | None = None,
    ) -> int:
        """Handle events in order, in the caller's transaction; gives how many were new.

        Those that the group has handled in this `epoch` (0: live, else a replay's own) are passed
        over. `effects` are the external effects that may be enqueued; None: all.
        """
        ids = [event.id for event in events]
        with prompt():
            new = await connection.fetchval(self._sql["take"], self._group, ids, attempt, epoch)
        events = _among(events, new)
        await self._handle(connection, events, attempt, effects)
        return len(events)

    def _read(self, record: Record) -> Event | Undecodable:
        try:
            return decode(record, self._catalog)
        except Undecodable as error:
            return error

    async def _handle(
        self,
        connection: asyncpg.Connection,
        events: Sequence[Event],
        attempt: int,
        effects: frozenset[str] | None = None,
    ) -> None:
        handlings = [
            Handling(event, connection, caused_by(event), attempt, effects) for event in events
        ]
        if handlings:
            await self._run(handlings)
        self.handled += len(handlings)


def _among(events: Sequence[Event], new: Sequence[str]) -> list[Event]:
    """Give the events with these ids, each once: the same event may be there twice."""
    left = set(new)
    found = []
    for event in events:
        if event.id in left:
            left.remove(event.id)
            found.append(event)
    return found


def _readable(
    read: Sequence[Event | Undecodable], keys: Sequence[str], parked: Collection[str]
) -> Iterator[Event]:
    """Give the events that are not parked. Undecodable: one that is neither event nor parked."""
    for one, key in zip(read, keys, strict=True):
        if key in parked:
            continue
        if isinstance(one, Undecodable):
            raise one
        yield one


def packages_of(subscription: Subscription) -> frozenset[str]:
    """Give the top packages of a group's handlers: where an error of theirs shows."""
    functions = (*subscription.handlers.values(), subscription.batch)
    modules = (getattr(one, "__module__", "") for one in functions if one is not None)
    return frozenset(module.partition(".")[0] for module in modules)


def runner(subscription: Subscription, middlewares: Sequence[Middleware]) -> BatchHandler:
    """Make what runs a group's handlers, or its batch handler, over events of one transaction."""
    around = (*middlewares, contained)
    if subscription.batch is None:
        return _each(subscription, around)
    return _together(subscription.batch, around)


def _each(subscription: Subscription, middlewares: Sequence[Middleware]) -> BatchHandler:
    """Run each event's own handler, one after the other."""
    handlers = {
        message.DESCRIPTOR.full_name: compose(middlewares, handler)
        for message, handler in subscription.handlers.items()
    }

    async def run(handlings: Sequence[Handling]) -> None:
        for handling in handlings:
            await handlers[handling.event.type](handling)

    return run


def _together(batch: BatchHandler, middlewares: Sequence[Middleware]) -> BatchHandler:
    """Run them as one, under one time limit and in one span: in the trace of the first."""

    async def run(handlings: Sequence[Handling]) -> None:
        async def whole(_: Handling) -> None:
            await batch(handlings)

        await compose(middlewares, whole)(handlings[0])

    return run
