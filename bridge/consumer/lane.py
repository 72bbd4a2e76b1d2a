"""A lane: handles the records of some keys one after the other."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial

from bridge import logs
from bridge.consumer.blocked import Blocked
from bridge.consumer.holding import Held, Holding, Item
from bridge.consumer.inbox import Inbox
from bridge.consumer.progress import Progress
from bridge.kafka.record import Record
from bridge.middleware.retry import FIRST_PAUSE, LONGEST_PAUSE, once, retriable, retry
from bridge.outages import reason_of
from bridge.waiting import backoff, wait_any

FIRST_BATCH = 50
# A transaction of slow handlers must not outlast a drain: a revoke would roll all of it back, and
# where members come and go faster than that, nothing would ever be handled.
LONG, SHORT = 1.0, 0.25
"""Seconds."""


class Outcome(Enum):
    """How an attempt at a record ended."""

    DONE = auto()
    """Handled, or parked."""
    HELD = auto()
    """Failed; its key is held and it is tried again."""
    LEFT = auto()
    """The lane was closed before."""


class Lane:
    """Works through its queue in batches. A failing record holds its key, and is parked in time."""

    def __init__(self, group: str, inbox: Inbox, batch: int, patience: float) -> None:
        """`batch`: most records in one transaction, and behind one that fails. `patience`: seconds
        that a retriable error is tried again before its key is parked."""
        self._group = group
        self._inbox = inbox
        self._batch = batch
        self._size = min(FIRST_BATCH, batch)
        self._patience = patience
        self._queue: deque[Item] = deque()
        self._holding = Holding()
        self._stuck: tuple[Record, Held] | None = None
        self._filled = asyncio.Event()
        self._closing = asyncio.Event()

    def put(self, progress: Progress, record: Record) -> None:
        """Add a record; `progress` hears when it is done."""
        self._queue.append((progress, record))
        progress.waiting += 1
        self._filled.set()

    def close(self) -> None:
        """Let `run` return after the batch at hand; what was not begun is left."""
        self._closing.set()
        self._filled.set()

    def blocked(self) -> list[Blocked]:
        """List the events that are tried again; first the one that holds the whole lane, if any."""
        told = [(one.items[0][1], one) for one in self._holding]
        if self._stuck is not None:
            told.insert(0, self._stuck)
        return [Blocked.of(self._group, record, held) for record, held in told]

    async def run(self) -> None:
        """Handle what comes until `close`."""
        while not self._closing.is_set():
            left = self._holding.seconds_left()
            if left is not None and left <= 0:
                await self._again()
            elif self._queue:
                await self._handle(self._next())
            else:
                self._filled.clear()
                await wait_any(left, self._filled)

    def _next(self) -> list[Item]:
        """Take the next batch out of the queue."""
        return [self._queue.popleft() for _ in range(min(len(self._queue), self._size))]

    def _free(self, items: list[Item]) -> list[Item]:
        """Leave out what belongs to a held key: it goes behind it."""
        if not self._holding:
            return items
        free: list[Item] = []
        for item in items:
            held = self._holding.get(item[1])
            if held is None:
                free.append(item)
            else:
                self._wait_behind(held, item)
        return free

    def _wait_behind(self, held: Held, item: Item) -> None:
        held.items.append(item)
        if len(held.items) > self._batch:
            # Too many to keep in memory: the next failure parks them.
            held.due = 0.0

    async def _handle(self, items: list[Item]) -> bool:
        """Handle records in order, together or in ever smaller parts; False if the lane was closed
        before."""
        items = self._free(items)
        if not items:
            return True
        if len(items) == 1:
            held = Held(asyncio.get_running_loop().time())
            return await self._alone(items[0], held) is not Outcome.LEFT
        if await self._together([record for _, record in items]):
            for item in items:
                self._finish(*item)
            return True
        half = len(items) // 2
        return await self._handle(items[:half]) and await self._handle(items[half:])

    def _finish(self, progress: Progress, record: Record) -> None:
        progress.finish(record.offset)
        progress.waiting -= 1

    async def _together(self, records: list[Record]) -> bool:
        if self._closing.is_set():
            return False
        began = asyncio.get_running_loop().time()
        try:
            await self._inbox.handle(records, 1)
        except Exception as error:
            # In halves next: the error comes again with the record that has it, and is told then.
            logs.info(
                "consumer.batch_failed",
                group=self._group,
                records=len(records),
                cause=type(error).__name__,
            )
            return False
        self._learn(asyncio.get_running_loop().time() - began)
        return True

    def _learn(self, seconds: float) -> None:
        """Choose the size of the next batch by how long the last one took."""
        if seconds > LONG:
            self._size = max(1, self._size // 2)
        elif seconds < SHORT:
            self._size = min(self._batch, self._size * 2)

    async def _alone(self, item: Item, held: Held) -> Outcome:
        """Make one attempt at a record; `held` knows of those before."""
        progress, record = item
        held.attempts += 1
        try:
            attempt = partial(self._inbox.handle, [record], held.attempts)
            told = partial(self._is_stuck, record, attempts=0)
            if not await once(attempt, told, self._closing):
                return Outcome.LEFT
        except Exception as error:
            if self._is_patient(error, held):
                self._hold(item, held, error)
                return Outcome.HELD
            if not await self._park(record, error, held.attempts):
                return Outcome.LEFT
        self._stuck = None
        self._finish(progress, record)
        return Outcome.DONE

    async def _again(self) -> None:
        """Try the held key that is due; where that ends it, what is behind goes on."""
        held = self._holding.first()
        item = held.items[0]
        if await self._alone(item, held) is Outcome.DONE:
            self._holding.release(item[1])
            held.items.popleft()
            self._queue.extendleft(reversed(held.items))

    def _is_patient(self, error: Exception, held: Held) -> bool:
        """Whether to try again here rather than park."""
        spent = asyncio.get_running_loop().time() - held.began
        return retriable(error) and spent < self._patience and len(held.items) <= self._batch

    def _hold(self, item: Item, held: Held, error: Exception) -> None:
        """Hold the record's key until its next attempt."""
        pause = backoff(held.attempts, FIRST_PAUSE, LONGEST_PAUSE)
        held.due = asyncio.get_running_loop().time() + pause
        held.reason = reason_of(error)
        if not held.items:
            held.items.append(item)
            self._holding.hold(item[1], held)
            self._log(logs.warning, "consumer.retrying", item[1], held)
        self._stuck = None

    async def _park(self, record: Record, error: Exception, attempts: int) -> bool:
        """Park a record, however often that takes: it must not be skipped."""

        async def attempt(_: int) -> None:
            await self._inbox.park(record, error, attempts)

        def failed(problem: Exception, tries: int) -> None:
            self._is_stuck(record, problem, attempts=tries)

        return await retry(attempt, failed, self._closing)

    def _is_stuck(self, record: Record, error: Exception, attempts: int) -> None:
        """Say loudly that the lane can't go on: its database is away, or does not park."""
        now = asyncio.get_running_loop().time()
        since = self._stuck[1].since if self._stuck is not None else datetime.now(UTC)
        self._stuck = (record, Held(now, attempts, reason_of(error), since=since))
        self._log(logs.error, "consumer.blocked", record, self._stuck[1])

    def _log(self, log: Callable[..., None], name: str, record: Record, held: Held) -> None:
        told = asdict(Blocked.of(self._group, record, held))
        log(name, event_type=told.pop("type"), **told)
