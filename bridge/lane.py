"""A lane: handles the records of some keys one after the other."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from bridge import logs
from bridge.codec import header
from bridge.errors import CausewayError
from bridge.inbox import Inbox
from bridge.kafka.record import Partition, Record
from bridge.middleware.retry import retry
from bridge.outages import is_away
from bridge.progress import Progress


@dataclass(frozen=True, slots=True)
class Blocked:
    """An event that holds its lane."""

    group: str
    event_id: str
    type: str
    topic: str
    partition: int
    offset: int
    attempts: int
    reason: str
    since: datetime


class Lane:
    """Works through its queue in batches; one failing record holds all that are behind it."""

    def __init__(self, group: str, inbox: Inbox, batch: int) -> None:
        self._group = group
        self._inbox = inbox
        self._batch = batch
        self._queue: deque[tuple[Progress, Record]] = deque()
        self._filled = asyncio.Event()
        self._closing = asyncio.Event()
        self.blocked: Blocked | None = None
        self.waiting: Counter[Partition] = Counter()
        """Records that were put and are not done."""

    def put(self, progress: Progress, record: Record) -> None:
        """Add a record; `progress` hears when it is done."""
        self._queue.append((progress, record))
        self.waiting[Partition(record.topic, record.partition)] += 1
        self._filled.set()

    def close(self) -> None:
        """Let `run` return after the batch at hand; what was not begun is left."""
        self._closing.set()
        self._filled.set()

    async def run(self) -> None:
        """Handle what comes until `close`."""
        while not self._closing.is_set():
            if not self._queue:
                self._filled.clear()
                await self._filled.wait()
                continue
            count = min(len(self._queue), self._batch)
            items = [self._queue.popleft() for _ in range(count)]
            await self._handle(items)

    async def _handle(self, items: list[tuple[Progress, Record]]) -> None:
        if len(items) > 1 and await self._together([record for _, record in items]):
            for item in items:
                self._finish(*item)
            return
        for progress, record in items:
            if not await self._alone(record):
                return
            self._finish(progress, record)

    def _finish(self, progress: Progress, record: Record) -> None:
        progress.finish(record.offset)
        self.waiting[Partition(record.topic, record.partition)] -= 1

    async def _together(self, records: list[Record]) -> bool:
        try:
            await self._inbox.handle(records, 1)
        except Exception as error:
            # One by one next: the error comes again with the record that has it, and is told then.
            logs.info(
                "consumer.batch_failed",
                group=self._group,
                records=len(records),
                cause=type(error).__name__,
            )
            return False
        return True

    async def _alone(self, record: Record) -> bool:
        """Handle one record, however often it takes; False if the lane was closed before."""
        attempt = partial(self._inbox.handle, [record])
        done = await retry(attempt, partial(self._failed, record), self._closing)
        if self.blocked is not None and done:
            logs.info("consumer.unblocked", group=self._group, event_id=self.blocked.event_id)
        self.blocked = None
        return done

    def _failed(self, record: Record, error: Exception, attempts: int) -> None:
        """Say loudly which event holds the lane."""
        since = self.blocked.since if self.blocked is not None else datetime.now(UTC)
        self.blocked = Blocked(
            group=self._group,
            event_id=header(record.headers, "ce_id"),
            type=header(record.headers, "ce_type"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            attempts=attempts,
            reason=_reason(error),
            since=since,
        )
        logs.error(
            "consumer.blocked",
            error,
            group=self._group,
            event_id=self.blocked.event_id,
            event_type=self.blocked.type,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            attempts=attempts,
            reason=self.blocked.reason,
        )


def _reason(error: Exception) -> str:
    if isinstance(error, CausewayError):
        return error.reason
    return "DATABASE_AWAY" if is_away(error) else type(error).__name__
