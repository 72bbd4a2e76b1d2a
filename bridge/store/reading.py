"""Reading the store across streams: by stream, type, correlation, time and position.

Not obvious: a page comes after a survey. The survey gives the highest position and who may still
commit below it; then the ranges without an event are noted; then the page is read, up to that
position only. In this order, an event that was missed by the page is either in the cursor's gaps,
or above what the survey knows of. See docs/decisions/0009-reading-without-losing.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from bridge.errors import Internal
from bridge.events.catalog import Catalog
from bridge.events.event import Event
from bridge.sql import queries
from bridge.store.cursor import Cursor, passed, settled, surveyed
from bridge.store.rows import events_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events; those that meet all that is given."""

    types: tuple[str, ...] = ()
    """Full names of messages; events of older types that are read as these belong to them."""
    stream: str = ""
    """`orders/{id}`."""
    correlation_id: str = ""
    start_time: datetime | None = None
    """From then on."""
    end_time: datetime | None = None
    """Before then."""
    start_position: int | None = None
    """From there on."""
    end_position: int | None = None
    """Up to there and with it."""


class Reader:
    """Reads `bridge.events` of one service in pages. Holds no connection."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        """`source` is "/causeway/orders"."""
        self._catalog = catalog
        self._source = source
        self._sql = queries("reading")

    async def page(
        self, connection: asyncpg.Connection, selection: Selection, cursor: Cursor, limit: int
    ) -> tuple[list[Event], Cursor]:
        """Read up to `limit` events from `cursor` on, and where to go on.

        In order of position. Every event comes once, also one whose lower position is committed
        late: it comes in a later page then, but before the events after it in its stream. Fewer
        than `limit`: there was nothing more. In a transaction: READ COMMITTED.
        """
        if limit < 1:
            raise Internal(f"a page of {limit} events")
        rows: Sequence[asyncpg.Record] = []
        if cursor.position < cursor.known and not cursor.gaps:
            rows, cursor = await self._read(connection, selection, cursor, limit)
        if len(rows) < limit:
            cursor = await self._survey(connection, selection, cursor)
            more, cursor = await self._read(connection, selection, cursor, limit - len(rows))
            rows = [*rows, *more]
        return events_of(rows, self._catalog, self._source), cursor

    async def count(self, connection: asyncpg.Connection, selection: Selection) -> int:
        """Count the events that are there now."""
        conditions, values = self._conditions(selection, first=1)
        text = self._sql["count"].format(conditions=conditions)
        return int(await connection.fetchval(text, *values))

    async def _survey(
        self, connection: asyncpg.Connection, selection: Selection, cursor: Cursor
    ) -> Cursor:
        """Learn up to where positions are taken, and which may be filled later."""
        found = await connection.fetchrow(self._sql["survey"])
        if not found["fresh"]:
            raise Internal("events are read on a primary, at READ COMMITTED: else some are missed")
        known, writers = found["known"], frozenset(found["writers"])
        missing: Sequence[asyncpg.Record] = []
        if writers:
            since = max(cursor.known, (selection.start_position or 1) - 1)
            missing = await connection.fetch(self._sql["missing"], since, known)
        cursor = surveyed(cursor, known, [(one["low"], one["high"]) for one in missing], writers)
        if not missing:
            return cursor
        # Of a past full of holes hardly any is open: who was at work a moment ago mostly is over.
        again = await connection.fetchrow(self._sql["survey"])
        return settled(cursor, frozenset(again["writers"]))

    async def _read(
        self, connection: asyncpg.Connection, selection: Selection, cursor: Cursor, limit: int
    ) -> tuple[Sequence[asyncpg.Record], Cursor]:
        """Read what is known of, from the cursor on."""
        conditions, values = self._conditions(selection, first=6)
        rows = await connection.fetch(
            self._sql["page"].format(conditions=conditions),
            cursor.position,
            cursor.known,
            limit,
            [gap.low for gap in cursor.gaps],
            [gap.high for gap in cursor.gaps],
            *values,
        )
        reach = rows[-1]["position"] if len(rows) == limit else cursor.known
        return rows, passed(cursor, [row["position"] for row in rows], reach)

    def _conditions(self, selection: Selection, first: int) -> tuple[str, list[Any]]:
        """Join what is given to one condition, with parameters from number `first` on.

        Only what is given: with a condition for each field that is or is not so, PostgreSQL would
        take the plan that is right for none.
        """
        given = {
            "types": sorted(self._catalog.stored_as(selection.types)),
            "stream": selection.stream,
            "correlation_id": selection.correlation_id,
            "start_time": selection.start_time,
            "end_time": selection.end_time,
            "start_position": selection.start_position,
            "end_position": selection.end_position,
        }
        used = {name: value for name, value in given.items() if value not in (None, "", [])}
        texts = [
            self._sql[name].strip().format(value=f"${number}")
            for number, name in enumerate(used, start=first)
        ]
        return " AND ".join(texts) or self._sql["all"].strip(), list(used.values())
