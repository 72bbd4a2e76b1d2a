"""Tells those who watch something that it changed: one LISTEN connection for the whole process.

A watcher first enters here and then reads, so a change that commits in between wakes it. While
the connection is away nothing is heard: when it is back, everybody is woken to read again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

import asyncpg

from bridge import logs
from bridge.outages import DRIVER
from bridge.waiting import wait_any

RECONNECT_DELAY = 0.5
PROBE_INTERVAL = 5.0
"""Seconds. A connection that died without a word is noticed by asking it now and then."""


class Changes:
    """Fans out PostgreSQL's notifications of one channel, whose payloads are keys.

    `run` must be running meanwhile.
    """

    def __init__(self, dsn: str, channel: str) -> None:
        self._dsn = dsn
        self._channel = channel
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listening = False

    @contextlib.contextmanager
    def of(self, key: str) -> Iterator[asyncio.Event]:
        """An event that is set at every change of this key from now on; clear it, then read."""
        woken = asyncio.Event()
        self._watchers[key].add(woken)
        try:
            yield woken
        finally:
            self._watchers[key].discard(woken)
            if not self._watchers[key]:
                del self._watchers[key]

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set; reconnect for ever."""
        while not stop.is_set():
            try:
                await self._listen(stop)
            except DRIVER as error:
                logs.warning(
                    "changes.not_listening", channel=self._channel, reason=logs.text_of(error)
                )
                await wait_any(RECONNECT_DELAY, stop)

    async def ready(self) -> None:
        """Raise while the process does not listen."""
        if not self._listening:
            raise ConnectionError(f"not listening on {self._channel}")

    async def _listen(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=10)
        cut = asyncio.Event()
        connection.add_termination_listener(lambda _: cut.set())
        try:
            await connection.add_listener(self._channel, self._heard)
            self._wake_all()
            self._listening = True
            while not (stop.is_set() or cut.is_set()):
                await wait_any(PROBE_INTERVAL, stop, cut)
                await connection.fetchval("SELECT 1", timeout=PROBE_INTERVAL)
        finally:
            self._listening = False
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, key: object) -> None:
        for woken in self._watchers.get(str(key), ()):
            woken.set()

    def _wake_all(self) -> None:
        for watchers in self._watchers.values():
            for woken in watchers:
                woken.set()
