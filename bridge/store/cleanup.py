"""Clean-up of what only has to be remembered for a while: inbox, requests, ended deliveries.

Never of events, seals and places: they are history. Never of the outbox: the relay takes a row out
when the brokers have it. Never of what is parked: it waits for somebody.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from bridge import logs
from bridge.database import acquire
from bridge.errors import InvalidArgument
from bridge.outages import DRIVER
from bridge.sql import queries
from bridge.waiting import wait_any

LOCK = 0x636C65616E  # "clean"
LEAST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are remembered; InvalidArgument below 7 days.

    Longer than the longest outage and the time back that replays may reach, together: an event
    that comes again after its inbox row is gone is handled again, and a request that is made again
    after its row is gone is carried out again. AIP-155 promises callers 7 days.
    """

    inbox: timedelta = timedelta(days=30)
    """Which group handled which event."""
    requests: timedelta = timedelta(days=14)
    """Request ids and what they made."""
    deliveries: timedelta = timedelta(days=30)
    """External effects, after their end."""

    def __post_init__(self) -> None:
        for name in ("inbox", "requests", "deliveries"):
            kept: timedelta = getattr(self, name)
            if kept < LEAST:
                raise InvalidArgument(
                    f"a retention of {kept} for {name} is too short: give {LEAST.days} days or"
                    " more, longer than the longest outage and what is to be replayed",
                    reason="RETENTION_TOO_SHORT",
                    metadata={"table": name},
                )


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the work is spread, so that it is never felt. Times in seconds."""

    between_rounds: float = 3600.0
    """Also before the first one: after an outage the groups catch up first, while their inbox is
    whole."""
    between_batches: float = 0.5
    batch: int = 1000
    """Rows of one transaction."""


class Cleaner:
    """Run one in each worker; an advisory lock lets one of them work at a time."""

    def __init__(
        self, pool: asyncpg.Pool, retention: Retention | None = None, rhythm: Rhythm | None = None
    ) -> None:
        kept = retention or Retention()
        self._pool = pool
        self._rhythm = rhythm or Rhythm()
        self._ages = {
            "inbox": kept.inbox,
            "requests": kept.requests,
            "deliveries": kept.deliveries,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Clean up round after round until `stop` is set. Survives the loss of the database."""
        while not stop.is_set():
            await wait_any(self._rhythm.between_rounds, stop)
            if stop.is_set():
                return
            logs.info("cleanup.done", **await self.round(stop))

    async def round(self, stop: asyncio.Event) -> Mapping[str, int]:
        """Forget all that is old enough, batch by batch; gives how many rows of each table.

        Ends early when `stop` is set, and where another worker is at it. A table whose statements
        fail does not keep the others from their turn.
        """
        gone = dict.fromkeys(self._ages, 0)
        for name, age in self._ages.items():
            try:
                async for count in self._batches(name, age, stop):
                    gone[name] += count
            except DRIVER as error:
                logs.warning("cleanup.interrupted", table=name, cause=type(error).__name__)
        return gone

    async def _batches(self, name: str, age: timedelta, stop: asyncio.Event) -> AsyncIterator[int]:
        """Forget rows of one table until none is old enough; how many, batch by batch."""
        while not stop.is_set():
            count = await self._batch(name, age)
            yield count
            if count < self._rhythm.batch:
                return
            await wait_any(self._rhythm.between_batches, stop)

    async def _batch(self, name: str, age: timedelta) -> int:
        """Forget some rows in a transaction of their own; 0 where another worker is at it."""
        sql = queries("cleanup")
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(sql["only_one"], LOCK):
                return 0
            return int(
                await connection.fetchval(sql[name], age.total_seconds(), self._rhythm.batch)
            )
