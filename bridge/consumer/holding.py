"""The keys of a lane whose first event failed and is tried again where it is."""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.consumer.progress import Progress
from bridge.kafka.record import Record

Item = tuple[Progress, Record]


@dataclass(slots=True)
class Held:
    """One key: its failing event, and what came behind it."""

    began: float
    """When its first attempt began; the event loop's time, in seconds."""
    attempts: int = 0
    reason: str = ""
    due: float = 0.0
    """When to try again, in the same time."""
    items: deque[Item] = field(default_factory=deque)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


class Holding:
    """Held keys by the key of their records. A record without a key is held by itself."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held.values())

    def get(self, record: Record) -> Held | None:
        """Give what holds the record's key; None: nothing."""
        return self._held.get(order_of(record))

    def hold(self, record: Record, held: Held) -> None:
        """Hold the record's key."""
        self._held[order_of(record)] = held

    def release(self, record: Record) -> None:
        """Let the record's key go."""
        del self._held[order_of(record)]

    def first(self) -> Held:
        """Give the one to be tried first; it may not be due yet. ValueError: nothing is held."""
        return min(self._held.values(), key=lambda held: held.due)

    def seconds_left(self) -> float | None:
        """Seconds until one is due, 0 or less if one is; None: nothing is held."""
        if not self._held:
            return None
        return self.first().due - asyncio.get_running_loop().time()


def order_of(record: Record) -> Hashable:
    """Give what the record must be in order with: its key, or nothing but itself."""
    return record.key or (record.topic, record.partition, record.offset)
