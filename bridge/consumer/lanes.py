"""What one assignment works with: its partitions' progress and its lanes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from bridge import logs
from bridge.consumer.blocked import Blocked
from bridge.consumer.lane import Lane
from bridge.consumer.progress import Progress
from bridge.errors import Internal
from bridge.kafka.record import Partition, Record


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one consumer. Each lane takes a connection of the pool while it works."""

    lanes: int = 4
    batch: int = 500
    """Most records in one transaction."""
    patience: float = 5.0
    """Seconds that a retriable error is tried again in place before the key is parked."""
    waiting: int = 4000
    """A partition with so many records that wait in lanes is paused."""
    window: int = 100_000
    """A partition read so far ahead of its lowest unfinished record is paused: what is above
    can't be committed."""
    drain_seconds: float = 5.0
    """How long running batches may take when partitions are revoked."""


class Lanes:
    """Lives as long as one assignment: after a revoke nothing of it can commit anything."""

    def __init__(
        self, partitions: frozenset[Partition], make: Callable[[], Lane], limits: Limits
    ) -> None:
        self._limits = limits
        self._progress = {partition: Progress() for partition in partitions}
        self._lanes = [make() for _ in range(limits.lanes)]
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]
        self._paused: set[Partition] = set()
        self._draining = False

    def take(
        self,
        found: Mapping[Partition, Sequence[Record]],
        wants: Callable[[Record], bool],
    ) -> None:
        """Give records to lanes by the hash of their key; unwanted ones are done at once."""
        for partition, records in found.items():
            progress = self._progress.get(Partition(*partition))
            if progress is None:
                # Read for an assignment that is gone: they will come to whoever has it now.
                continue
            for record in records:
                progress.begin(record.offset)
                if wants(record):
                    lane = self._lanes[crc32(record.key or b"") % len(self._lanes)]
                    lane.put(progress, record)
                else:
                    progress.finish(record.offset)

    def backpressure(self) -> tuple[set[Partition], set[Partition]]:
        """Say which partitions to pause and which to resume now."""
        fill = {partition: self._fill(partition) for partition in self._progress}
        pause = {one for one in fill if fill[one] >= 1 and one not in self._paused}
        resume = {one for one in self._paused if fill[one] <= 0.5}
        for partition in pause:
            self._tell_paused(partition)
        self._paused = (self._paused | pause) - resume
        return pause, resume

    def _fill(self, partition: Partition) -> float:
        """Give how full a partition is: from 1 on it is paused."""
        progress = self._progress[partition]
        return max(
            progress.waiting / self._limits.waiting, progress.unfinished / self._limits.window
        )

    def _tell_paused(self, partition: Partition) -> None:
        """Say loudly which event keeps a partition from being read any further."""
        window = self._progress[partition].unfinished
        if window < self._limits.window:
            return
        blocked = [one for one in self.blocked() if (one.topic, one.partition) == partition]
        first = min(blocked, key=lambda one: one.offset, default=None)
        logs.error(
            "consumer.partition_paused",
            topic=partition.topic,
            partition=partition.partition,
            window=window,
            event_id=first.event_id if first is not None else "",
            offset=first.offset if first is not None else -1,
        )

    def committable(self) -> dict[Partition, int]:
        """Give the offsets that may be committed and are not."""
        found = {one: progress.committable() for one, progress in self._progress.items()}
        return {one: offset for one, offset in found.items() if offset is not None}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note what was committed."""
        for partition, offset in offsets.items():
            self._progress[partition].committed(offset)

    def blocked(self) -> list[Blocked]:
        """List the events that hold a key or a lane, while they are tried again."""
        return [one for lane in self._lanes for one in lane.blocked()]

    def failure(self) -> BaseException | None:
        """Give the error that ended a lane, which is a bug of ours; None if all are at work."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                return task.exception()
            if task.cancelled() and not self._draining:
                return Internal("a lane was cancelled outside of a drain")
        return None

    async def drain(self) -> None:
        """Let running batches end, within bounds; roll back those that do not."""
        self._draining = True
        for lane in self._lanes:
            lane.close()
        _, late = await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
        for task in late:
            task.cancel()
        if late:
            logs.warning("consumer.fenced", lanes=len(late))
            await asyncio.wait(late, timeout=self._limits.drain_seconds)
