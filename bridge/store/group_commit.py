"""Group commit: appends that come at the same time share one statement and one commit.

What it gains, and where: docs/decisions/0010-group-commit.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import partial

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import Unavailable
from bridge.events.event import Event, Origin
from bridge.outages import is_away
from bridge.store.append_group import Attempt, Item, Then
from bridge.store.event_store import EventStore

MOST = 64
"""Appends of one group: enough to share the costs, and a transaction of milliseconds."""


class GroupCommit:
    """Appends for many callers of one process. Holds a connection only while it writes."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore, most: int = MOST) -> None:
        """`most`: appends of one group at most."""
        self._pool = pool
        self._store = store
        self._most = most
        self._waiting: deque[Item] = deque()
        self._work: asyncio.Task[None] | None = None

    async def append(
        self,
        stream: str,
        expected_version: int,
        messages: Sequence[Message],
        origin: Origin,
        then: Then | None = None,
    ) -> list[Event]:
        """Append in a transaction of its own, together with whoever else appends now.

        As `EventStore.append`, and `then` is run in the same transaction. An error (StaleVersion,
        or what `then` raises) is that of this append alone, and nothing of it was written.
        Unavailable with reason OUTCOME_UNKNOWN: the connection was lost at the commit; ask again
        with the same request_id. Who is cancelled may have appended all the same. Hold no
        connection of the pool meanwhile.
        """
        if not messages:
            return []
        draft = self._store.draft(stream, expected_version, messages, origin)
        item = Item(draft, then, asyncio.get_running_loop().create_future())
        self._waiting.append(item)
        if self._work is None or self._work.done():
            # A task of its own: no caller's cancellation ends the work for the others.
            self._work = asyncio.create_task(self._drain())
        return await item.outcome

    async def _drain(self) -> None:
        """Commit group after group; those that come meanwhile are the next one."""
        group: Sequence[Item] = ()
        try:
            while group := self._next():
                if not await self._commit(group):
                    for item in group:
                        await self._commit([item])
        finally:
            # Only where this task is cancelled, as at the end of the process, is anything left.
            _fail((*group, *self._waiting), _unknown)

    def _next(self) -> Sequence[Item]:
        """Take those that wait, in order of their streams; of one stream the first, else later."""
        taken: dict[str, Item] = {}
        later: list[Item] = []
        while self._waiting and len(taken) < self._most:
            item = self._waiting.popleft()
            if item.outcome.done():
                continue  # its caller was cancelled
            if item.draft.stream in taken:
                later.append(item)
            else:
                taken[item.draft.stream] = item
        self._waiting.extendleft(reversed(later))
        return [taken[stream] for stream in sorted(taken)]

    async def _commit(self, group: Sequence[Item]) -> bool:
        """Append in one transaction; False: nothing has happened, each may do better by itself."""
        attempt = Attempt(group)
        try:
            async with acquire(self._pool) as connection:
                written = await attempt.run(connection)
        except Exception as error:
            if attempt.unsure(error):
                _fail(group, _unknown)
            elif len(group) == 1 or is_away(error):
                _fail(group[:1], partial(_itself, error))
                _fail(group[1:], partial(_like, error))
            else:
                return False
            return True
        for item, events in zip(group, written, strict=True):
            if events is None:
                _fail([item], item.draft.stale)
            elif not item.outcome.done():
                item.outcome.set_result(events)
        return True


def _fail(items: Iterable[Item], make: Callable[[], Exception]) -> None:
    """Tell those callers that still wait, each with an error of its own: each adds its frames."""
    for item in items:
        if not item.outcome.done():
            item.outcome.set_exception(make())


def _itself(error: Exception) -> Exception:
    return error


def _like(error: Exception) -> Exception:
    made = copy(error)
    made.__cause__ = error
    return made


def _unknown() -> Unavailable:
    return Unavailable(
        "the connection was lost at the commit: whether it was written is unknown",
        reason="OUTCOME_UNKNOWN",
    )
