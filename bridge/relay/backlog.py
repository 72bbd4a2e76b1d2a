"""How much waits for Kafka, measured whether or not there is a relay at work."""

import asyncio

import asyncpg

from bridge import logs
from bridge.metrics import observe
from bridge.outages import DRIVER
from bridge.sql import queries
from bridge.waiting import wait_any

MEASURE_SECONDS = 5.0
STATEMENT_SECONDS = 10.0


class Backlog:
    """Measures one store's outbox every 5 s."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self.events = 0
        """Events that Kafka has not acknowledged, as last measured."""
        self.seconds = 0.0
        """Age of the oldest of them."""

    async def run(self, stop: asyncio.Event) -> None:
        """Measure until `stop`; while the database is away the last figures stand."""
        observe(
            "causeway.relay.backlog",
            "{event}",
            "Events that Kafka has not acknowledged.",
            lambda: [(self.events, {})],
        )
        observe(
            "causeway.relay.backlog_age",
            "s",
            "Age of the oldest event that Kafka has not acknowledged.",
            lambda: [(self.seconds, {})],
        )
        try:
            while not stop.is_set():
                await self._measure()
                await wait_any(MEASURE_SECONDS, stop)
        finally:
            self._hang_up()

    async def _measure(self) -> None:
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(
                    self._dsn, timeout=STATEMENT_SECONDS, command_timeout=STATEMENT_SECONDS
                )
            row = await self._connection.fetchrow(queries("relay")["backlog"])
        except DRIVER as error:
            logs.warning("relay.backlog_unknown", cause=type(error).__name__)
            self._hang_up()
            return
        self.events, self.seconds = row["events"], max(0.0, row["seconds"])

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
