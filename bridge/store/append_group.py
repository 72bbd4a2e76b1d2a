"""One try to append a group of drafts in one transaction, and mostly with one statement."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from bridge.errors import CausewayError
from bridge.events.event import Event
from bridge.outages import DRIVER, is_away
from bridge.sql import queries
from bridge.store.bursts import Job
from bridge.store.columns import columns
from bridge.store.draft import Draft
from bridge.store.repeats import Repeats

# Classes of SQLSTATE after which a transaction may yet be found committed: resources, operator's
# intervention (a shutdown), the system (an fsync that failed), and what should never be.
UNSURE = ("53", "57", "58", "XX")
NO_CLAIM = ("", "", "", b"")

Then = Callable[[asyncpg.Connection, Sequence[Event]], Awaitable[None]]
"""What a caller writes in the transaction of its events. To the database alone: where a group
fails, each of its appends is made again by itself, and this is called again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A read model that is written with the events of a group, in their statement.

    `sql` is an INSERT that takes `rows` (of all the group's drafts, as JSON) as its parameter $23
    and heeds those alone whose stream is in `beginning (stream)`: the others are not written.
    """

    sql: str
    rows: Callable[[Sequence[Draft]], str]


class Item(Job[list[Event] | None]):
    """One caller's append. `repeats` is the request_id that is claimed in the same transaction, for
    the stream as its resource."""

    __slots__ = ("draft", "repeats", "then")

    def __init__(self, draft: Draft, then: Then | None, repeats: Repeats | None) -> None:
        super().__init__()
        self.draft, self.then, self.repeats = draft, then, repeats

    @property
    def holds(self) -> set[object]:
        """What no other item of its group may hold too."""
        held: set[object] = {self.draft.stream}
        return held if self.repeats is None else {*held, self.repeats.key}


Written = Mapping[str, list[Event] | None]
"""By stream what was written; None: its request_id was used before. One that is missing here
stands elsewhere."""


class Statement:
    """The statement of a group, with its read model if there is one."""

    def __init__(self, shown: Shown | None = None) -> None:
        sql = queries("append_group")
        between = "" if shown is None else f", shown AS (\n{shown.sql}\n)"
        self._text = f"{sql['write']}{between}\n{sql['tell']}"
        self._shown = shown

    def arguments(self, items: Sequence[Item]) -> Sequence[Any]:
        """Lay the items out as the parameters of the statement."""
        shown = self._shown
        return [
            *_layout(items),
            *(() if shown is None else (shown.rows([item.draft for item in items]),)),
        ]

    async def run(
        self, connection: asyncpg.Connection, items: Sequence[Item], arguments: Sequence[Any]
    ) -> Written:
        """Write the items. StaleVersion of one that claims and is alone; one that is not has
        asyncpg's NotNullViolationError for its whole group."""
        drafts = [item.draft for item in items]
        try:
            rows = await connection.fetch(self._text, *arguments)
        except asyncpg.NotNullViolationError as error:
            refused = (error.schema_name, error.table_name)
            if len(drafts) == 1 and refused == ("bridge", "outbox"):
                raise drafts[0].stale() from error
            raise
        positions: dict[int, list[int]] = {}
        for number, position, _ in rows:
            positions.setdefault(number, []).append(position)
        written: dict[str, list[Event] | None] = {
            item.draft.stream: None for item in items if item.repeats is not None
        }
        for number, at in positions.items():
            draft = drafts[number - 1]
            written[draft.stream] = draft.recorded(at)
        return written


class Attempt:
    """One try; `items` are of different streams, in order of their names, and of different
    requests."""

    def __init__(self, items: Sequence[Item], statement: Statement) -> None:
        self._items = items
        self._statement = statement
        self._committing = False

    async def run(self, connection: asyncpg.Connection) -> Written:
        """Append and commit."""
        arguments = self._statement.arguments(self._items)
        if all(item.then is None for item in self._items):
            self._committing = True  # the statement is the transaction
            return await self._statement.run(connection, self._items, arguments)
        transaction = connection.transaction()
        await transaction.start()
        try:
            written = await self._write(connection, arguments)
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
        # A ValueError is of what can't be encoded, and so was never sent.
        if not self._committing or isinstance(error, CausewayError | ValueError):
            return False
        if isinstance(error, asyncpg.PostgresError) and not is_away(error):
            return (error.sqlstate or "XX").startswith(UNSURE)
        return True

    async def _write(self, connection: asyncpg.Connection, arguments: Sequence[Any]) -> Written:
        written = await self._statement.run(connection, self._items, arguments)
        for item in self._items:
            events = written.get(item.draft.stream)
            if events is not None and item.then is not None:
                await item.then(connection, events)
        return written


def _layout(items: Sequence[Item]) -> list[Sequence[Any]]:
    """Lay drafts and their entries out as the parameters of the query: a list a column."""
    heads = [
        (
            item.draft.stream,
            item.draft.expected_version,
            item.draft.time,
            *item.draft.origin,
            *(NO_CLAIM if item.repeats is None else (*item.repeats.key, item.repeats.body)),
        )
        for item in items
    ]
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
        for number, item in enumerate(items, start=1)
        for ordinal, entry in enumerate(item.draft.entries, start=1)
    ]
    return [*columns(heads), *columns(entries)]
