"""Handling events once in effect: the inbox rows live in the handlers' transaction."""

from collections.abc import Sequence

import asyncpg

from bridge.catalog import Catalog
from bridge.codec import decode, header
from bridge.database import acquire
from bridge.event import Event, caused_by
from bridge.handling import BatchHandler, Handling, Middleware, compose
from bridge.kafka.record import Record
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
        self._types = subscription.types
        self._run = runner(subscription, middlewares)
        self._catalog = catalog
        self._pool = pool
        self._take = queries("inbox")["take"]

    def wants(self, record: Record) -> bool:
        """Whether the group has a handler for it; a record without a type must be looked at."""
        name = header(record.headers, "ce_type")
        return not name or name in self._types

    async def handle(self, records: Sequence[Record], attempt: int) -> None:
        """Handle records in order in one transaction. An error: nothing of it has happened."""
        events = [decode(record, self._catalog) for record in records]
        async with acquire(self._pool) as connection, connection.transaction():
            await self.apply(connection, events, attempt=attempt)

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
        rows = await connection.fetch(self._take, self._group, ids, attempt, epoch)
        new = {row["event_id"] for row in rows}
        handlings = []
        for event in events:
            if event.id in new:
                # Events may hold the same one twice.
                new.remove(event.id)
                handlings.append(Handling(event, connection, caused_by(event), attempt, effects))
        if handlings:
            await self._run(handlings)
        return len(handlings)


def runner(subscription: Subscription, middlewares: Sequence[Middleware]) -> BatchHandler:
    """Make what runs a group's handlers, or its batch handler, over events of one transaction."""
    if subscription.batch is None:
        return _each(subscription, middlewares)
    return _together(subscription.batch, middlewares)


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
