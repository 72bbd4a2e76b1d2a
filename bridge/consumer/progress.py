"""How far a partition is done: which offset may be committed."""

from collections import deque


class Progress:
    """Follows the records of one partition that were read and not committed yet.

    Records end in any order (lanes run side by side); only what lies below the lowest unfinished
    one may be committed, else a crash would skip it.
    """

    def __init__(self) -> None:
        self._begun: deque[int] = deque()
        self._done: set[int] = set()
        self._next: int | None = None
        self._committed: int | None = None
        self.waiting = 0
        """Records that were given to a lane and are not done."""

    def begin(self, offset: int) -> None:
        """Note a record that was read; offsets grow."""
        self._begun.append(offset)

    def finish(self, offset: int) -> None:
        """Note that a record is done."""
        begun, done = self._begun, self._done
        if not begun or begun[0] != offset:
            done.add(offset)
            return
        begun.popleft()
        self._next = offset + 1
        while begun and begun[0] in done:
            first = begun.popleft()
            done.discard(first)
            self._next = first + 1

    @property
    def unfinished(self) -> int:
        """Records between the lowest unfinished one and the last that was read."""
        return len(self._begun)

    def committable(self) -> int | None:
        """Give the offset to commit (of the next record to read); None: nothing new."""
        return self._next if self._next != self._committed else None

    def committed(self, offset: int) -> None:
        """Note that `offset` was committed."""
        self._committed = offset
