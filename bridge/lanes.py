"""What one assignment works with: its partitions' progress and its lanes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from bridge import logs
from bridge.kafka.record import Partition, Record
from bridge.lane import Blocked, Lane
from bridge.progress import Progress


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one consumer. Each lane takes a connection of the pool while it works."""

    lanes: int = 4
    batch: int = 200
    """Most records in one transaction."""
    unfinished: int = 2000
    """A partition with so many records at hand is paused."""
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
                    self._lane(record).put(progress, record)
                else:
                    progress.finish(record.offset)

    def _lane(self, record: Record) -> Lane:
        return self._lanes[crc32(record.key or b"") % len(self._lanes)]

    def backpressure(self) -> tuple[set[Partition], set[Partition]]:
        """Say which partitions to pause and which to resume now."""
        full, half = self._limits.unfinished, self._limits.unfinished // 2
        pause = {
            partition
            for partition, progress in self._progress.items()
            if progress.unfinished >= full and partition not in self._paused
        }
        resume = {one for one in self._paused if self._progress[one].unfinished <= half}
        self._paused = (self._paused | pause) - resume
        return pause, resume

    def committable(self) -> dict[Partition, int]:
        """Give the offsets that may be committed and are not."""
        found = {one: progress.committable() for one, progress in self._progress.items()}
        return {one: offset for one, offset in found.items() if offset is not None}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note what was committed."""
        for partition, offset in offsets.items():
            self._progress[partition].committed(offset)

    def blocked(self) -> list[Blocked]:
        """List the events that hold a lane."""
        return [lane.blocked for lane in self._lanes if lane.blocked is not None]

    def failure(self) -> BaseException | None:
        """Give the error that ended a lane, which is a bug of ours; None if all are at work."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                return task.exception()
        return None

    async def drain(self) -> None:
        """Let running batches end, within bounds; roll back those that do not."""
        for lane in self._lanes:
            lane.close()
        _, late = await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
        for task in late:
            task.cancel()
        if late:
            logs.warning("consumer.fenced", lanes=len(late))
            await asyncio.wait(late, timeout=self._limits.drain_seconds)
