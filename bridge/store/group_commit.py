"""Group commit: appends that come at the same time share one statement and one commit.

What it gains, and where: docs/decisions/0010-group-commit.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import asyncpg
from google.protobuf.message import Message

from bridge.database import acquire
from bridge.errors import Unavailable
from bridge.events.event import Event, Origin
from bridge.outages import is_away
from bridge.store.alike import alike
from bridge.store.append_group import Attempt, Item, Shown, Statement, Then
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
        Unavailable with reason OUTCOME_UNKNOWN, for a whole group: the connection was lost at the
        commit, or the database gave the statement up; ask again
        with the same request_id. Who is cancelled may have appended all the same. Hold no
        connection of the pool meanwhile.
        """
        if not messages:
            return []
        draft = self._store.draft(stream, expected_version, messages, origin)
        return await self._enter(draft, then) or []

    async def append_once(
        self,
        stream: str,
        expected_version: int,
        messages: Sequence[Message],
        origin: Origin,
        repeats: Repeats,
    ) -> list[Event] | None:
        """As `append`, for a call that may be a repeat: its request_id, if it has one, is claimed
        in the same transaction, and the stream is what it made.

        None: it was used before, and nothing was written; `repeats.earlier` says what it made.
        """
        draft = self._store.draft(stream, expected_version, messages, origin)
        return await self._enter(draft, repeats=repeats if repeats.request_id else None)

    async def settled(self) -> None:
        """Wait while groups are being committed: what comes before then is in the next one."""
        if self._work is not None and not self._work.done():
            await asyncio.wait((self._work,))

    async def _enter(
        self, draft: Draft, then: Then | None = None, repeats: Repeats | None = None
    ) -> list[Event] | None:
        """Wait with the others for the next group."""
        item = Item(draft, then, repeats, asyncio.get_running_loop().create_future())
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
        """Take those that wait, in order of their streams; of one stream or of one request the
        first, the others later."""
        taken: list[Item] = []
        held: set[object] = set()
        later: list[Item] = []
        while self._waiting and len(taken) < self._most:
            item = self._waiting.popleft()
            if item.outcome.done():
                continue  # its caller was cancelled
            holds = item.holds
            (later if held & holds else taken).append(item)
            held |= holds
        self._waiting.extendleft(reversed(later))
        return sorted(taken, key=lambda item: item.draft.stream)

    async def _commit(self, group: Sequence[Item]) -> bool:
        """Append in one transaction; False: nothing has happened, each may do better by itself."""
        attempt = Attempt(group, self._statement)
        try:
            async with acquire(self._pool) as connection:
                written = await attempt.run(connection)
        except Exception as error:
            if attempt.unsure(error):
                _fail(group, _unknown)
            elif len(group) == 1 or is_away(error):
                _fail(group[:1], partial(_itself, error))
                _fail(group[1:], partial(alike, error))
            else:
                return False
            return True
        for item in group:
            if item.draft.stream not in written:
                _fail([item], item.draft.stale)
            elif not item.outcome.done():
                item.outcome.set_result(written[item.draft.stream])
        return True


def _fail(items: Iterable[Item], make: Callable[[], Exception]) -> None:
    """Tell those callers that still wait, each with an error of its own: each adds its frames."""
    for item in items:
        if not item.outcome.done():
            item.outcome.set_exception(make())


def _itself(error: Exception) -> Exception:
    return error


def _unknown() -> Unavailable:
    return Unavailable(
        "the connection was lost at the commit: whether it was written is unknown",
        reason="OUTCOME_UNKNOWN",
    )
