"""Handling events once in effect: the inbox rows live in the handlers' transaction."""

from collections.abc import Sequence

import asyncpg

from bridge.catalog import Catalog
from bridge.codec import decode, header
from bridge.database import acquire
from bridge.event import Event, caused_by
from bridge.handling import Handling, Middleware, compose
from bridge.kafka.record import Record
from bridge.sql import queries
from bridge.subscription import Subscription


class Inbox:
    """Runs a group's handlers over records, each event once."""

    def __init__(
        self,
        subscription: Subscription,
        middlewares: Sequence[Middleware],
        catalog: Catalog,
        pool: asyncpg.Pool,
    ) -> None:
        """`middlewares` go around each handler, the first outermost."""
        self._group = subscription.group
        self._handlers = {
            message.DESCRIPTOR.full_name: compose(middlewares, handler)
            for message, handler in subscription.handlers.items()
        }
        self._catalog = catalog
        self._pool = pool
        self._take = queries("inbox")["take"]

    def wants(self, record: Record) -> bool:
        """Whether the group has a handler for it; a record without a type must be looked at."""
        name = header(record.headers, "ce_type")
        return not name or name in self._handlers

    async def handle(self, records: Sequence[Record], attempt: int) -> None:
        """Handle records in order in one transaction. An error: nothing of it has happened."""
        events = [decode(record, self._catalog) for record in records]
        async with acquire(self._pool) as connection, connection.transaction():
            ids = [event.id for event in events]
            rows = await connection.fetch(self._take, self._group, ids, attempt)
            new = {row["event_id"] for row in rows}
            for event in events:
                if event.id in new:
                    # A batch may hold the same event twice.
                    new.remove(event.id)
                    await self._run(event, connection, attempt)

    async def _run(self, event: Event, connection: asyncpg.Connection, attempt: int) -> None:
        handler = self._handlers[event.type]
        await handler(Handling(event, connection, caused_by(event), attempt))
