"""Group commit: appends that come at the same time share one statement and one commit.

What it gains, and where: docs/decisions/0010-group-commit.md.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import Unavailable
from bridge.events.event import Event, Origin
from bridge.outages import is_away
from bridge.store.alike import alike
from bridge.store.append_group import Attempt, Item, Shown, Statement, Then
from bridge.store.bursts import Bursts
from bridge.store.draft import Draft
from bridge.store.event_store import EventStore
from bridge.store.repeats import Repeats

MOST = 64
"""Appends of one group: enough to share the costs, and a transaction of milliseconds."""


class GroupCommit:
    """Appends for many callers of one process. Holds a connection only while it writes."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        most: int = MOST,
        shown: Shown | None = None,
    ) -> None:
        """`most`: appends of one group at most; `shown` is the read model that is written with
        them."""
        self._pool = pool
        self._store = store
        self._most = most
        self._statement = Statement(shown)
        # It waits for nobody: those of `append_all` were gathered before.
        self._bursts = Bursts(self._next, self._commit_all, _unknown, steps=0)

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
        Unavailable with reason OUTCOME_UNKNOWN, for a whole group: the connection was lost at the
        commit, or the database gave the statement up; ask again
        with the same request_id. Who is cancelled may have appended all the same. Hold no
        connection of the pool meanwhile.
        """
        if not messages:
            return []
        draft = self._store.draft(stream, expected_version, messages, origin)
        return await self._queued(draft, then).outcome or []

    async def append_all(
        self, appends: Sequence[tuple[Draft, Repeats]]
    ) -> Sequence[list[Event] | BaseException | None]:
        """Append for many callers at once: what became of each.

        Each may be a repeat: its request_id, if it has one, is claimed in the same transaction, and
        the stream is what it made. None: it was used before, and nothing was written;
        `repeats.earlier` says what it made.
        """
        items = [self._queued(draft, repeats=repeats) for draft, repeats in appends]
        return await asyncio.gather(*(item.outcome for item in items), return_exceptions=True)

    def _queued(
        self, draft: Draft, then: Then | None = None, repeats: Repeats | None = None
    ) -> Item:
        item = Item(draft, then, repeats if repeats and repeats.request_id else None)
        self._bursts.put(item)
        return item

    def _next(self, waiting: deque[Item]) -> Sequence[Item]:
        """Take those that wait, in order of their streams; of one stream or of one request the
        first, the others later."""
        taken: list[Item] = []
        held: set[object] = set()
        later: list[Item] = []
        while waiting and len(taken) < self._most:
            item = waiting.popleft()
            if not item.waits:
                continue
            holds = item.holds
            (later if held & holds else taken).append(item)
            held |= holds
        waiting.extendleft(reversed(later))
        return sorted(taken, key=lambda item: item.draft.stream)

    async def _commit_all(self, group: Sequence[Item]) -> None:
        if not await self._commit(group):
            for item in group:
                await self._commit([item])

    async def _commit(self, group: Sequence[Item]) -> bool:
        """Append in one transaction; False: nothing has happened, each may do better by itself."""
        attempt = Attempt(group, self._statement)
        try:
            async with acquire(self._pool) as connection:
                written = await attempt.run(connection)
        except Exception as error:
            unsure = attempt.unsure(error)
            if len(group) > 1 and not unsure and not is_away(error):
                return False
            for item in group:
                item.fail(_unknown() if unsure else error if item is group[0] else alike(error))
            return True
        for item in group:
            if item.draft.stream in written:
                item.answer(written[item.draft.stream])
            else:
                item.fail(item.draft.stale())
        return True


def _unknown() -> Unavailable:
    return Unavailable(
        "the connection was lost at the commit: whether it was written is unknown",
        reason="OUTCOME_UNKNOWN",
    )
