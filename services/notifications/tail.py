"""How far one watcher has seen.

Changes are ordered by the transaction that made them, and a transaction with a lower number may be
committed later. So a change is told at once, but the position goes on over it only when it is
settled: when no transaction up to it is at work any more. What was told beyond the position is
remembered, so that it is told once; who resumes from the position is told it again, and misses
nothing.
"""

from dataclasses import dataclass

from services.notifications.notification_table import Notification


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Seen is all that changed by earlier transactions, and by this one up to the notification."""

    transaction: int
    notification_id: str = ""

    def __str__(self) -> str:
        return f"{self.transaction} {self.notification_id}"

    @classmethod
    def of(cls, text: str) -> "Position":
        """Read what `str` gave."""
        transaction, _, notification_id = text.partition(" ")
        return cls(int(transaction), notification_id)


@dataclass(frozen=True, slots=True)
class Change:
    """A notification as its last change left it, which was made by `transaction`."""

    notification: Notification
    transaction: int

    @property
    def position(self) -> Position:
        """Where it stands among the changes."""
        return Position(self.transaction, self.notification.id)


class Tail:
    """The position of one watcher, and what it was told beyond."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self._settled = 0
        self._beyond: dict[str, int] = {}

    def restart(self, settled: int) -> None:
        """The changes are read once more, from the position on; transactions below `settled` were
        over before."""
        self._settled = settled

    def is_news(self, change: Change) -> bool:
        """Take note of the next change of this reading; False where it was told already."""
        told = self._beyond.pop(change.notification.id, None)
        if change.transaction < self._settled:
            self.position = change.position
        else:
            self._beyond[change.notification.id] = change.transaction
        return told != change.transaction
