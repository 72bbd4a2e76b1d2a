"""One try to append a group of drafts in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from bridge.events.event import Event
from bridge.outages import DRIVER, is_away
from bridge.sql import queries
from bridge.store.draft import Draft

# Classes of SQLSTATE after which a transaction may yet be found committed: resources, operator's
# intervention (a shutdown), the system (an fsync that failed), and what should never be.
UNSURE = ("53", "57", "58", "XX")

Then = Callable[[asyncpg.Connection, Sequence[Event]], Awaitable[None]]
"""What a caller writes in the transaction of its events. To the database alone: where a group
fails, each of its appends is made again by itself, and this is called again."""


@dataclass(frozen=True, slots=True)
class Item:
    """One caller's append."""

    draft: Draft
    then: Then | None
    outcome: asyncio.Future[list[Event]]


class Attempt:
    """One try; `items` are of different streams, in order of their names."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._committing = False

    async def run(self, connection: asyncpg.Connection) -> list[list[Event] | None]:
        """Append and commit; for each item its events, None where its stream stands elsewhere."""
        if all(item.then is None for item in self._items):
            self._committing = True  # the statement is the transaction
            return await self._append(connection)
        transaction = connection.transaction()
        await transaction.start()
        try:
            written = await self._append(connection)
            for item, events in zip(self._items, written, strict=True):
                if item.then is not None and events is not None:
                    await item.then(connection, events)
        except BaseException:
            # It has the first word: on a connection that is gone, there is nothing to roll back.
            with suppress(*DRIVER):
                await transaction.rollback()
            raise
        self._committing = True
        await transaction.commit()
        return written

    def unsure(self, error: Exception) -> bool:
        """Whether all may be committed, though `run` raised `error`."""
        if not self._committing:
            return False
        if isinstance(error, asyncpg.PostgresError) and not is_away(error):
            return (error.sqlstate or "XX").startswith(UNSURE)
        return True

    async def _append(self, connection: asyncpg.Connection) -> list[list[Event] | None]:
        drafts = [item.draft for item in self._items]
        rows = await connection.fetch(queries("append_group")["append_group"], *_layout(drafts))
        positions: dict[int, list[int]] = {}
        for row in rows:
            positions.setdefault(row["number"], []).append(row["position"])
        return [
            draft.recorded(positions[number]) if number in positions else None
            for number, draft in enumerate(drafts, start=1)
        ]


def _layout(drafts: Sequence[Draft]) -> list[list[Any]]:
    """Lay drafts and their entries out as the parameters of the query: a list a column."""
    heads = [(draft.stream, draft.expected_version, draft.time, *draft.origin) for draft in drafts]
    entries = [
        (
            number,
            ordinal,
            entry.type.name,
            entry.event_id,
            entry.data,
            entry.schema.id,
            entry.type.topic,
            entry.schema.version,
        )
        for number, draft in enumerate(drafts, start=1)
        for ordinal, entry in enumerate(draft.entries, start=1)
    ]
    return [list(column) for rows in (heads, entries) for column in zip(*rows, strict=True)]
