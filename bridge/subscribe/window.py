"""The last records of the partitions that are followed: read once, and looked at by all.

It takes the place of a queue for each subscriber. A reader that falls behind it reads pages of the
log, so a slow one costs what it took last and no more.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from operator import attrgetter

from bridge.kafka.record import Partition
from bridge.subscribe.seen import Seen, fitting

MOST_BYTES = 16 * 1024 * 1024
SLICE = 64
"""Records that a reader takes at once, so that its partitions take turns."""
SPENT = 512
"""Places at the front of a list that are cut off together."""


class Ring:
    """Records of one partition: every one from `start` on and before `next`."""

    __slots__ = ("gone", "next", "records", "start")

    def __init__(self, at: int) -> None:
        self.start = self.next = at
        self.records: list[Seen | None] = []
        self.gone = 0

    def drop(self) -> int:
        """Let go of the oldest; its bytes."""
        oldest = self.records[self.gone]
        assert oldest is not None, "dropped twice"  # noqa: S101 (the gone ones are in front)
        self.records[self.gone] = None
        self.gone += 1
        self.start = oldest.offset + 1
        if self.gone == SPENT:
            del self.records[:SPENT]
            self.gone = 0
        return oldest.size


class Window:
    """The rings, bounded together by `most_bytes`: the oldest record of all goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._rings: dict[Partition, Ring] = {}
        self._arrived: deque[Ring] = deque()
        self._bytes = 0

    def begin(self, where: Partition, at: int) -> None:
        """Begin anew with a partition: what follows are its records from `at` on."""
        self.forget(where)
        self._rings[where] = Ring(at)

    def forget(self, where: Partition) -> None:
        """Know nothing of a partition any more."""
        old = self._rings.pop(where, None)
        if old is not None:
            self._bytes -= sum(one.size for one in old.records if one is not None)
            self._arrived = deque(ring for ring in self._arrived if ring is not old)

    def clear(self) -> None:
        """Forget everything."""
        self._rings.clear()
        self._arrived.clear()
        self._bytes = 0

    def add(self, where: Partition, one: Seen) -> None:
        """Append the next record of a partition."""
        ring = self._rings[where]
        ring.records.append(one)
        ring.next = one.offset + 1
        self._arrived.append(ring)
        self._bytes += one.size
        while self._bytes > self._most and len(self._arrived) > 1:
            self._bytes -= self._arrived.popleft().drop()

    def pass_over(self, where: Partition, after: int) -> None:
        """Note that there is no record before `after` that was not added."""
        ring = self._rings[where]
        ring.next = max(ring.next, after)

    def next(self, where: Partition) -> int:
        """Give the offset that the next record added may have; 0 of a partition not followed."""
        ring = self._rings.get(where)
        return 0 if ring is None else ring.next

    def places(self) -> dict[Partition, int]:
        """Give `next` of all partitions."""
        return {where: ring.next for where, ring in self._rings.items()}

    def after(self, where: Partition, at: int) -> tuple[Sequence[Seen], int] | None:
        """Give some records from `at` on, and where to go on; None: it does not reach back."""
        ring = self._rings.get(where)
        if ring is None or at < ring.start:
            return None
        begin = bisect_left(ring.records, at, lo=ring.gone, key=attrgetter("offset"))
        found = fitting([one for one in ring.records[begin : begin + SLICE] if one is not None])
        whole = begin + len(found) == len(ring.records)
        return found, ring.next if whole else found[-1].offset + 1
