"""Orders as streams of events: load folds them, commit appends and shows the result."""

from collections.abc import Sequence

import asyncpg
from google.protobuf.message import Message

from bridge.events.event import Event, Origin
from bridge.store.append_group import Shown
from bridge.store.draft import Draft
from bridge.store.event_store import EventStore
from bridge.store.group_commit import GroupCommit
from causeway.bridge.v1 import event_pb2
from services.orders import order_table
from services.orders.aggregate import Order, evolve
from services.orders.sql import query


class OrderLog:
    """The aggregate's way to and from the event store. Holds no connection."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def history(
        self, connection: asyncpg.Connection, order_id: str, since: Order | None = None
    ) -> Sequence[Order]:
        """The order after each of its events, or after each one later than `since`."""
        version = 0 if since is None else since.version
        return fold(since, await self._store.load(connection, f"orders/{order_id}", version))

    async def listed(
        self, connection: asyncpg.Connection, order_id: str, after: int, limit: int
    ) -> Sequence[event_pb2.Event]:
        """At most `limit` events of the order later than the version `after`, oldest first."""
        return await self._store.listed(connection, f"orders/{order_id}", after, limit)

    async def hold(self, connection: asyncpg.Connection, order_id: str) -> Order | None:
        """Load it, if it is there, and let nobody else change it until the transaction ends."""
        await order_table.lock(connection, order_id)
        states = await self.history(connection, order_id)
        return states[-1] if states else None

    def together(self, pool: asyncpg.Pool) -> GroupCommit:
        """What begins the streams of new orders: those of one moment in one transaction."""
        return GroupCommit(pool, self._store, shown=Shown(query("orders_begun"), _new_rows))

    def begin(self, order_id: str, messages: Sequence[Message], origin: Origin) -> Draft:
        """The events that begin an order, for `together`; nothing is written yet."""
        return self._store.draft(f"orders/{order_id}", 0, messages, origin)

    async def change(
        self,
        connection: asyncpg.Connection,
        order: Order,
        messages: Sequence[Message],
        origin: Origin,
    ) -> Order:
        """Append what was decided about an order, if anything; the order after it.

        Inside the caller's transaction. StaleVersion: it moved on since it was loaded.
        """
        if not messages:
            return order
        events = await self._store.append(connection, order.name, order.version, messages, origin)
        return await _show(connection, fold(order, events)[-1])


def _new_rows(drafts: Sequence[Draft]) -> str:
    """The orders that the drafts begin, as rows of the read model."""
    return order_table.rows_of(
        evolve(None, entry.message, draft.time) for draft in drafts for entry in draft.entries
    )


async def _show(connection: asyncpg.Connection, order: Order) -> Order:
    await order_table.save(connection, order)
    return order


def fold(before: Order | None, events: Sequence[Event]) -> Sequence[Order]:
    """The order after each of the events."""
    states: list[Order] = []
    order = before
    for event in events:
        order = evolve(order, event.message, event.time)
        states.append(order)
    return states
