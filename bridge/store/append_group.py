"""One try to append a group of drafts in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from bridge.events.event import Event
from bridge.outages import DRIVER, is_away
from bridge.sql import queries
from bridge.store import requests
from bridge.store.draft import Draft
from bridge.store.repeats import Repeats

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
    repeats: Repeats | None
    """The request_id that is claimed in the same transaction, for the stream as its resource."""
    outcome: asyncio.Future[list[Event] | None]

    @property
    def holds(self) -> set[object]:
        """What no other item of its group may hold too."""
        held: set[object] = {self.draft.stream}
        return held if self.repeats is None else {*held, self.repeats.key}


Written = Mapping[str, list[Event] | None]
"""By stream what was written; None: its request_id was used before. One that is missing here
stands elsewhere."""


class Attempt:
    """One try; `items` are of different streams, in order of their names, and of different
    requests. `show` is called once, with the events of all."""

    def __init__(self, items: Sequence[Item], show: Then | None = None) -> None:
        self._items = items
        self._show = show
        self._committing = False

    async def run(self, connection: asyncpg.Connection) -> Written:
        """Append and commit."""
        if self._show is None and all(
            item.then is None and item.repeats is None for item in self._items
        ):
            self._committing = True  # the statement is the transaction
            return await self._append(connection, self._items)
        transaction = connection.transaction()
        await transaction.start()
        try:
            written = await self._write(connection)
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

    async def _write(self, connection: asyncpg.Connection) -> Written:
        repeated = await self._claim(connection)
        first = [item for item in self._items if item.draft.stream not in repeated]
        written = await self._append(connection, first) if first else {}
        for item in first:
            events = written.get(item.draft.stream)
            if events is None and item.repeats is not None:
                raise item.draft.stale()  # nothing of it may stay, so not its claim either
            if events is not None and item.then is not None:
                await item.then(connection, events)
        if self._show is not None and written:
            await self._show(connection, [one for events in written.values() for one in events])
        return {**written, **dict.fromkeys(repeated)}

    async def _claim(self, connection: asyncpg.Connection) -> AbstractSet[str]:
        """Claim what is to be claimed; the streams whose request_id was used before."""
        claims = {
            item.draft.stream: (*item.repeats.key, item.repeats.body, item.draft.stream)
            for item in self._items
            if item.repeats is not None
        }
        if not claims:
            return frozenset()
        return claims.keys() - await requests.claim_all(connection, [*claims.values()])

    async def _append(
        self, connection: asyncpg.Connection, items: Sequence[Item]
    ) -> dict[str, list[Event]]:
        drafts = [item.draft for item in items]
        rows = await connection.fetch(queries("append_group")["append_group"], *_layout(drafts))
        positions: dict[int, list[int]] = {}
        for row in rows:
            positions.setdefault(row["number"], []).append(row["position"])
        return {
            draft.stream: draft.recorded(positions[number])
            for number, draft in enumerate(drafts, start=1)
            if number in positions
        }


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
