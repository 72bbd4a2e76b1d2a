"""One watcher of one user's notifications: what it has not seen, then each change."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import asyncpg

from bridge.changes import Changes
from bridge.database import acquire
from bridge.errors import OutOfRange
from services.notifications import change_table
from services.notifications.change_table import Survey
from services.notifications.notification_table import Notification
from services.notifications.tail import Change, Position, Tail

CHANNEL = "notifications_changed"
"""What the triggers of the table notify, with the recipient."""
PAGE = 50
"""Notifications that a watcher holds at most, however slowly they are taken."""


class Watch:
    """Follows notifications. Holds a connection of the pool only while it reads."""

    def __init__(self, pool: asyncpg.Pool, changes: Changes) -> None:
        self._pool = pool
        self._changes = changes

    async def follow(
        self, recipient: str, seen: Position | None
    ) -> AsyncGenerator[tuple[Notification | None, Position]]:
        """What changed for `users/{id}` since `seen` (None: since now), then each change as it
        happens, with the position to resume from. None first, where nothing is new.

        A notification comes as it is when it is read, so of changes in quick succession only the
        last is told. OutOfRange: the position is none of this database.
        """
        # Entered before it reads: a change between the two wakes it.
        with self._changes.of(recipient) as woken:
            tail = Tail(await self._begin(seen))
            silent = True
            while True:
                woken.clear()
                async with aclosing(self._news(recipient, tail)) as news:
                    async for notification in news:
                        silent = False
                        yield notification, tail.position
                if silent:
                    yield None, tail.position
                silent = False
                await woken.wait()

    async def _news(self, recipient: str, tail: Tail) -> AsyncGenerator[Notification]:
        tail.restart((await self._survey()).settled)
        after, more = tail.position, True
        while more:
            changes = await self._read(recipient, after)
            more = len(changes) == PAGE
            for change in changes:
                after = change.position
                if tail.is_news(change):
                    yield change.notification

    async def _begin(self, seen: Position | None) -> Position:
        survey = await self._survey()
        if seen is None:
            return Position(survey.settled)
        if seen.transaction > survey.next:
            text = "the position of the resume token is gone: watch without one"
            raise OutOfRange(text, reason="POSITION_GONE")
        return seen

    async def _survey(self) -> Survey:
        async with acquire(self._pool) as connection:
            return await change_table.survey(connection)

    async def _read(self, recipient: str, after: Position) -> Sequence[Change]:
        async with acquire(self._pool) as connection:
            return await change_table.page(connection, recipient, after, PAGE)
