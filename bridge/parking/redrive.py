"""The redrive: tries parked keys again when they are due or when somebody asks, each in order.

Any number may run: the row of a key keeps it for one of them, for one transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bridge import logs
from bridge.consumer.inbox import Inbox, packages_of
from bridge.database import acquire
from bridge.errors import Internal
from bridge.events.catalog import Catalog
from bridge.listening import listening
from bridge.middleware.standard import standard
from bridge.outages import DRIVER
from bridge.parking.gauges import Gauges
from bridge.parking.turn import Turn
from bridge.parking.unit import Unit
from bridge.sql import queries
from bridge.subscription import Subscription
from bridge.waiting import backoff, wait_any

Name = tuple[str, str | int]
"""Of a unit."""

CHANNEL = "bridge_parked"
LISTED = 100
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds."""

    poll: float = 1.0
    """Between two looks for what is due; who asks for a redrive wakes it at commit."""
    first_pause: float = 5.0
    longest_pause: float = 300.0
    """After failures: as long as the event has been parked, within these."""
    at_once: int = 4
    """Keys that are tried side by side; each takes a connection of the pool while it is."""


class Redriver:
    """Redrives the parked events of a service's groups. Holds one connection of the pool more."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        catalog: Catalog,
        pool: asyncpg.Pool,
        pace: Pace = Pace(),
    ) -> None:
        """Groups that are not among `subscriptions` are left alone."""
        self._turns = {
            one.group: Turn(
                Inbox(one, standard(one.group), catalog, pool),
                packages_of(one),
                catalog,
                pool,
                pace.first_pause,
                pace.longest_pause,
            )
            for one in subscriptions
        }
        self._pool = pool
        self._pace = pace
        self._gauges = Gauges(list(self._turns), pool)
        self._working: dict[Name, asyncio.Task[bool]] = {}
        self._resting: dict[Name, float] = {}
        """When to look again, by the event loop's time: a turn of theirs had nothing to do. They
        are still due; to begin at once would keep the database busy, and others waiting."""

    async def run(self, stop: asyncio.Event) -> None:
        """Redrive until `stop` is set; transactions that were begun end."""
        failures = 0
        while not stop.is_set():
            try:
                async with (
                    acquire(self._pool) as connection,
                    listening(connection, CHANNEL) as (wake, lost),
                ):
                    while not stop.is_set() and not lost.is_set():
                        wake.clear()
                        await self._look(wake, stop)
                        failures = 0
                        await wait_any(self._pace.poll, wake, lost, stop)
            except DRIVER as error:
                failures += 1
                logs.warning("redrive.interrupted", cause=type(error).__name__)
                await wait_any(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE), stop)
        await asyncio.gather(*self._working.values())

    async def _look(self, wake: asyncio.Event, stop: asyncio.Event) -> None:
        """Begin a turn for each key that is due, as far as there is room."""
        await self._gauges.measure()
        self._note_ended()
        if len(self._working) >= self._pace.at_once:
            return
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(queries("parking")["due"], list(self._turns), LISTED)
        for row in rows:
            unit = Unit(row["consumer_group"], row["key"], row["id"])
            busy = unit.name in self._working or unit.name in self._resting
            if len(self._working) < self._pace.at_once and not busy:
                task = asyncio.create_task(self._turns[unit.group].take(unit, stop))
                task.add_done_callback(lambda _: wake.set())
                self._working[unit.name] = task

    def _note_ended(self) -> None:
        """Forget the turns that are over; raises what one did not expect, a bug of ours."""
        now = asyncio.get_running_loop().time()
        self._resting = {name: until for name, until in self._resting.items() if until > now}
        for name, task in list(self._working.items()):
            if not task.done():
                continue
            if task.cancelled():
                raise Internal("a turn of the redrive was cancelled")
            if not task.result():
                self._resting[name] = now + self._pace.poll
            del self._working[name]
