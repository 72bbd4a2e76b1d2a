"""One turn of a parked key: its events in order, until one fails or none is left."""

import asyncio
import random
from collections.abc import Sequence

import asyncpg

from bridge import logs
from bridge.consumer.inbox import Inbox
from bridge.database import acquire
from bridge.events.catalog import Catalog
from bridge.events.codec import decode
from bridge.middleware.retry import LOST_RACES, MEETINGS
from bridge.outages import DRIVER, is_away
from bridge.parking.failure import Failure, failure_of
from bridge.parking.stored import stored
from bridge.parking.unit import Unit
from bridge.waiting import backoff, wait_any

PAGE = 100
"""Most events in one transaction."""
STEPS = 50
"""Transactions of one turn: then others that are due go first."""


class Turn:
    """Redrives the keys of one group."""

    def __init__(
        self,
        inbox: Inbox,
        packages: frozenset[str],
        catalog: Catalog,
        pool: asyncpg.Pool,
        first_pause: float,
        longest_pause: float,
    ) -> None:
        """`packages` are the top packages of the group's handlers; pauses in seconds."""
        self._inbox = inbox
        self._packages = packages
        self._catalog = catalog
        self._pool = pool
        self._first_pause = first_pause
        self._longest_pause = longest_pause

    async def take(self, unit: Unit, stop: asyncio.Event) -> bool:
        """Handle what is parked, transaction by transaction, until there is nothing to do now.

        False: nothing was done, as somebody else has it or the database does not let it be done.
        What is left stays due, and comes again.
        """
        most: int | None = PAGE
        steps = meetings = 0
        while most and steps < STEPS and not stop.is_set():
            try:
                # Many lost races in a row are an attempt that failed, as in `once`.
                most = await self._step(unit, most, meetings + 1 < MEETINGS)
            except LOST_RACES:
                meetings += 1
                if meetings == MEETINGS:
                    break
                await wait_any(random.uniform(0, 0.02), stop)  # noqa: S311 (no secret)
            except DRIVER as error:
                logs.warning("redrive.postponed", group=unit.group, cause=type(error).__name__)
                break
            else:
                steps, meetings = steps + (most is not None), 0
        return steps > 0

    async def _step(self, unit: Unit, most: int, patient: bool) -> int | None:
        """Do what there is to do in one transaction; gives how many to take next, 0: end.

        None: there is nothing to do. `patient`: a lost race is raised rather than counted.
        """
        async with acquire(self._pool) as connection, connection.transaction():
            if not await unit.lock(connection):
                return None
            if discarded := await unit.discard(connection):
                logs.warning("redrive.discarded", group=unit.group, events=discarded)
            rows = await unit.page(connection, most)
            if not rows:
                return 0 if await unit.release(connection) else most
            if not rows[0]["due"]:
                return None
            if rows[0]["attempts"]:
                # It has failed before, and may again: no need to take others along.
                rows = rows[:1]
            error = await self._attempt(connection, rows, patient)
            if error is None:
                return await self._handled(connection, unit, rows, most)
            if len(rows) == 1:
                await self._failed(connection, unit, rows[0], error)
                return 0
        # Fewer at a time, to come to the one that fails.
        return 1

    async def _attempt(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], patient: bool
    ) -> Exception | None:
        """Handle events in a savepoint, so that the key stays locked; gives the error if any."""
        try:
            async with connection.transaction():
                events = [decode(stored(row), self._catalog) for row in rows]
                await self._inbox.apply(connection, events, attempt=rows[0]["attempts"] + 1)
        except Exception as error:
            if is_away(error) or (patient and isinstance(error, LOST_RACES)):
                raise
            return error
        return None

    async def _handled(
        self,
        connection: asyncpg.Connection,
        unit: Unit,
        rows: Sequence[asyncpg.Record],
        most: int,
    ) -> int:
        await unit.remove(connection, [row["id"] for row in rows])
        logs.info("redrive.handled", group=unit.group, events=len(rows), first=rows[0]["id"])
        if len(rows) < most and await unit.release(connection):
            return 0
        return min(PAGE, most * 2)

    async def _failed(
        self, connection: asyncpg.Connection, unit: Unit, row: asyncpg.Record, error: Exception
    ) -> None:
        failure = failure_of(error, self._packages)
        await unit.failed(connection, row, failure, self._pause(row, failure))
        logs.warning(
            "redrive.failed",
            group=unit.group,
            parked=row["id"],
            attempts=row["attempts"] + 1,
            reason=failure.reason,
            retriable=failure.retriable,
            stack_digest=failure.stack_digest,
        )

    def _pause(self, row: asyncpg.Record, failure: Failure) -> float | None:
        """Give the seconds until the next attempt: as long as the event is parked, but an event
        that only waited behind another begins anew. None: somebody must ask."""
        if not failure.retriable:
            return None
        parked = max(self._first_pause, float(row["parked_seconds"]))
        return min(parked, backoff(row["attempts"] + 1, self._first_pause, self._longest_pause))
