"""The replayer: executes a service's replays, one at a time for each group.

Not obvious: the lock is a session's, and the replay is worked on by that very connection. Whoever
loses it has lost the means to go on, and another worker goes on from the checkpoint.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg

from bridge import logs
from bridge.errors import Unavailable
from bridge.events.catalog import Catalog
from bridge.kafka.errors import KafkaError
from bridge.kafka.settings import KafkaSettings
from bridge.outages import DRIVER
from bridge.replay.execution import Execution
from bridge.replay.ledger import cancelled, hold, open_groups
from bridge.subscription import Subscription
from bridge.waiting import backoff, wait_any

CHANNEL = "bridge_replays"
POLL_SECONDS = 5.0
WATCH_SECONDS = 0.3
"""While a replay is at work: how often it is asked whether somebody cancelled it."""
STATEMENT_SECONDS = 60.0
CLOSE_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0

INTERRUPTIONS = (*DRIVER, KafkaError, Unavailable)


class Replayer:
    """Run one in each worker; of all workers, one works on the replays of a group."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        catalog: Catalog,
        source: str,
        dsn: str,
        pool: asyncpg.Pool,
        kafka: KafkaSettings,
    ) -> None:
        """`catalog` knows the handlers' types; `source` is "/causeway/orders"; `dsn` its database.

        `kafka` is not asked unless a replay reads from there.
        """
        self._executions: Mapping[str, Execution] = {
            one.group: Execution(one, catalog, source, pool, kafka) for one in subscriptions
        }
        self._dsn = dsn
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken_off: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work on replays until `stop` is set; what is open then goes on elsewhere, or later."""
        failures = 0
        try:
            while not stop.is_set():
                try:
                    async with self._connected() as (connection, lost):
                        await self._attend(connection, stop, lost)
                    failures = 0
                except INTERRUPTIONS as error:
                    failures += 1
                    logs.warning("replayer.interrupted", cause=type(error).__name__)
                    await wait_any(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE), stop)
        finally:
            await self._end(self._tasks)

    async def _attend(
        self, connection: asyncpg.Connection, stop: asyncio.Event, lost: asyncio.Event
    ) -> None:
        """Begin what is asked for, and stop what was cancelled."""
        await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
        while not stop.is_set() and not lost.is_set():
            self._wake.clear()
            await self._stop_cancelled(connection)
            for group in await open_groups(connection, self._executions):
                if group not in self._tasks:
                    self._begin(group)
            await wait_any(WATCH_SECONDS if self._tasks else POLL_SECONDS, self._wake, stop, lost)

    async def _stop_cancelled(self, connection: asyncpg.Connection) -> None:
        """Break off the work on what was cancelled; whoever takes it up next marks it."""
        for group, replay_id in (await cancelled(connection, self._tasks)).items():
            if replay_id not in self._broken_off:
                self._broken_off.add(replay_id)
                await self._end([group])

    def _begin(self, group: str) -> None:
        task = asyncio.create_task(self._work(group))
        self._tasks[group] = task
        task.add_done_callback(lambda _: self._ended(group))

    def _ended(self, group: str) -> None:
        self._tasks.pop(group, None)
        # There may be another one for the group.
        self._wake.set()

    async def _end(self, groups: Iterable[str]) -> None:
        """Cancel the work on these, and wait until it is rolled back."""
        tasks = [self._tasks[group] for group in list(groups) if group in self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _work(self, group: str) -> None:
        """Work on a group's oldest replay, or stand by while another worker does."""
        try:
            # A session for each replay: a rebuild leaves it with a search path of its own.
            async with self._connected() as (connection, _):
                await hold(connection, group)
                await self._executions[group].next(connection)
        except INTERRUPTIONS as error:
            logs.warning("replay.interrupted", group=group, cause=type(error).__name__)
            await asyncio.sleep(FIRST_PAUSE)
        except Exception as error:
            # A mistake of ours: said loudly, and not at every turn of the loop.
            logs.error("replay.broken", error, group=group)
            await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncpg.Connection, asyncio.Event]]:
        """Open a session of its own; the event is set when it is lost."""
        connection = await asyncpg.connect(
            self._dsn, timeout=STATEMENT_SECONDS, command_timeout=STATEMENT_SECONDS
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            yield connection, lost
        finally:
            # In order where it can be: a session that is cut keeps its lock for a moment.
            with suppress(*INTERRUPTIONS):
                await connection.close(timeout=CLOSE_SECONDS)
