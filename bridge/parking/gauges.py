"""How much is parked, for who watches over it."""

import asyncio
from collections.abc import Sequence

import asyncpg

from bridge import metrics
from bridge.database import acquire
from bridge.metrics import Readings
from bridge.sql import queries

SECONDS = 15.0
"""Between two measurements: counting takes longer the more is parked."""


class Gauges:
    """`causeway.parked.events` and `causeway.parked.keys`, by group; measured only if exported."""

    def __init__(self, groups: Sequence[str], pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._due = 0.0
        self._events = dict.fromkeys(groups, 0)
        self._keys = dict.fromkeys(groups, 0)
        metrics.observe(
            "causeway.parked.events", "{event}", "Events that wait parked.", self._read_events
        )
        metrics.observe(
            "causeway.parked.keys", "{key}", "Keys with parked events.", self._read_keys
        )

    async def measure(self) -> None:
        """Count, if it is time."""
        now = asyncio.get_running_loop().time()
        if not metrics.wanted() or now < self._due:
            return
        self._due = now + SECONDS
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(queries("parking")["count"], list(self._events))
        found = {row["consumer_group"]: row for row in rows}
        for group in self._events:
            self._events[group] = found[group]["events"] if group in found else 0
            self._keys[group] = found[group]["keys"] if group in found else 0

    def _read_events(self) -> Readings:
        return [(count, {"group": group}) for group, count in self._events.items()]

    def _read_keys(self) -> Readings:
        return [(count, {"group": group}) for group, count in self._keys.items()]
