"""A watcher's position against a model of transactions that commit in any order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from services.notifications.notification_table import Notification, State
from services.notifications.tail import Change, Position, Tail

NAMES = "abcde"
PAGE = 2


@dataclass
class Table:
    """The last change of each notification as committed, and the transactions at work."""

    committed: dict[str, int] = field(default_factory=dict)
    open: dict[int, str] = field(default_factory=dict)
    next_transaction: int = 1
    commits: dict[str, int] = field(default_factory=dict)
    """How often each was changed: what a watcher must have seen the last of."""

    def begin(self, name: str) -> None:
        """A transaction takes its number and changes a row, or waits for who holds it."""
        if name not in self.open.values():
            self.open[self.next_transaction] = name
            self.next_transaction += 1

    def write_late(self, name: str) -> None:
        """One that began earlier changes a row that a later one changed and committed."""
        if self.open and name not in self.open.values():
            oldest = min(self.open)
            self.commit(oldest)
            self.committed[name] = oldest
            self.commits[name] = self.commits.get(name, 0) + 1

    def commit(self, transaction: int) -> None:
        name = self.open.pop(transaction)
        self.committed[name] = transaction
        self.commits[name] = self.commits.get(name, 0) + 1

    def survey(self) -> int:
        """As `watch_survey.sql` says what is settled."""
        return min(self.open, default=self.next_transaction)

    def page(self, after: Position) -> list[tuple[Change, int]]:
        """One statement of `watch_page.sql`, each change with how many there were by then."""
        found = [
            (
                Change(notification(name), transaction),
                self.commits[name],
            )
            for name, transaction in self.committed.items()
        ]
        later = [one for one in found if one[0].position > after]
        return sorted(later, key=lambda one: one[0].position)[:PAGE]


@dataclass
class Watcher:
    """What it was told, and the tokens that it could be cut off at."""

    tail: Tail
    seen: dict[str, int]
    told: list[tuple[str, int]] = field(default_factory=list)
    after: Position | None = None

    def step(self, table: Table) -> None:
        """Read one page; a reading begins anew when the last page was not full."""
        if self.after is None:
            self.tail.restart(table.survey())
            self.after = self.tail.position
        rows = table.page(self.after)
        for change, version in rows:
            self.after = change.position
            if self.tail.is_news(change):
                self.told.append((change.notification.id, version))
                self.seen[change.notification.id] = version
        if len(rows) < PAGE:
            self.after = None

    def resumed(self) -> "Watcher":
        """As another replica goes on from the token; what was told before was told."""
        return Watcher(Tail(Position.of(str(self.tail.position))), dict(self.seen))

    def catch_up(self, table: Table) -> None:
        """Finish the reading that it is in, and read all once more."""
        for _ in range(2 * (len(NAMES) // PAGE + 1)):
            self.step(table)


def notification(name: str) -> Notification:
    time = datetime(2026, 11, 26, tzinfo=UTC)
    return Notification(name, "users/a", "email", "", "", State.PENDING, name, "orders/o", time)


def lived(dice: Random, *, cuts: bool) -> tuple[Table, Watcher]:
    """A table and its watcher after some steps, read often enough that a page is often full."""
    table, watcher = Table(), Watcher(Tail(Position(0)), {})
    for _ in range(30):
        name = dice.choice(NAMES)
        match dice.choice(("begin", "begin", "commit", "late", "read", "read", "cut")):
            case "begin":
                table.begin(name)
            case "late":
                table.write_late(name)
            case "commit" if table.open:
                table.commit(dice.choice(sorted(table.open)))
            case "read":
                watcher.step(table)
            case "cut" if cuts:
                watcher = watcher.resumed()
    return table, watcher


def test_a_watcher_ends_with_the_last_of_every_notification_whatever_came_between() -> None:
    for seed in range(1000):
        table, watcher = lived(Random(seed), cuts=True)  # noqa: S311 (a model, not a secret)
        for transaction in sorted(table.open, reverse=True):
            table.commit(transaction)
        watcher.catch_up(table)
        assert watcher.seen == table.commits, seed


def test_who_stays_is_told_no_state_twice() -> None:
    for seed in range(1000):
        _, watcher = lived(Random(seed), cuts=False)  # noqa: S311 (a model, not a secret)
        assert len(watcher.told) == len(set(watcher.told)), seed


def test_a_position_is_read_as_it_was_written() -> None:
    for position in (Position(7), Position(2**63, "0199-a")):
        assert Position.of(str(position)) == position
