"""Carries a replay's events through its handlers, page after page.

Each page is one transaction with the checkpoint behind it, so that after a crash nothing is
skipped and nothing repeated. A page that fails is read again in smaller ones, until one event
stands alone: what is retriable is tried for a moment, everything else fails the replay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from bridge.errors import FailedPrecondition
from bridge.events.event import Event
from bridge.middleware.retry import LOST_RACES, MEETINGS, retriable
from bridge.outages import is_away, reason_of
from bridge.replay.ledger import Replay, advance
from bridge.replay.source import Page, Source
from bridge.waiting import backoff

PATIENCE = 5.0
"""Seconds for which one event is tried again."""
NARROWING = 10
MEETING_PAUSE = 0.01

Apply = Callable[[Sequence[Event], int], Awaitable[None]]
"""Handles events in order at try 1, 2, …, in the transaction at hand."""


@dataclass(slots=True)
class Passage:
    """One replay on its way; `connection` is the one that holds its lock."""

    replay: Replay
    connection: asyncpg.Connection
    source: Source
    apply: Apply
    limit: int
    """Most events of one transaction."""
    at: str = ""
    kept: dict[str, str] = field(default_factory=dict)
    """What the checkpoint holds beside `at`."""

    async def to(self, end: str) -> int:
        """Handle everything up to `end`; gives how many events that were.

        FailedPrecondition EVENT_FAILED names the event that could not be handled; all before it
        are done. An error of a database that is away goes on to the caller.
        """
        count, limit, more = 0, self.limit, True
        while more:
            page = await self.source.page(self.connection, self.at, end, limit)
            if await self._carried(page):
                count += len(page.events)
                more = page.more
                limit = min(self.limit, limit * 2)
            else:
                limit = max(1, len(page.events) // NARROWING)
        return count

    async def inside(self, end: str) -> tuple[str, int]:
        """Handle everything up to `end` in the caller's transaction; gives the place and how many.

        Any error goes on to the caller, who has to roll back.
        """
        at, count, more = self.at, 0, True
        while more:
            page = await self.source.page(self.connection, at, end, self.limit)
            if page.events:
                await self.apply(page.events, 1)
            at, more = page.at, page.more
            count += len(page.events)
        return at, count

    async def _carried(self, page: Page) -> bool:
        """Handle a page; False: it must be read again in smaller ones."""
        if not page.events and not page.more:
            return True
        if len(page.events) <= 1:
            await self._alone(page)
            return True
        try:
            await self._handle(page, 1)
        except Exception as error:
            if is_away(error):
                raise
            return False
        return True

    async def _handle(self, page: Page, attempt: int) -> None:
        async with self.connection.transaction():
            if page.events:
                await self.apply(page.events, attempt)
            await advance(
                self.connection, self.replay, self.kept | {"at": page.at}, len(page.events)
            )
        self.at = page.at

    async def _alone(self, page: Page) -> None:
        """Handle one event, however often it takes."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE
        attempt = meetings = 0
        while True:
            try:
                return await self._handle(page, attempt + 1)
            except LOST_RACES as error:
                meetings += 1
                if meetings > MEETINGS:
                    raise _failed(page.events[0], error) from error
                await asyncio.sleep(MEETING_PAUSE)
            except Exception as error:
                if is_away(error) or not page.events:
                    raise
                attempt += 1
                if not retriable(error) or clock() > deadline:
                    raise _failed(page.events[0], error) from error
                await asyncio.sleep(backoff(attempt, 0.05, 1.0))


def _failed(event: Event, error: Exception) -> FailedPrecondition:
    """Name the event and the reason, and nothing that could be personal."""
    reason = reason_of(error)
    place = (
        f"position {event.position}"
        if event.position is not None
        else f"{event.topic}/{event.partition} at {event.offset}"
    )
    return FailedPrecondition(
        f"{reason}: event {event.id} ({event.type}, {place}); all before it are done",
        reason="EVENT_FAILED",
        metadata={"event": event.id, "reason": reason},
    )
