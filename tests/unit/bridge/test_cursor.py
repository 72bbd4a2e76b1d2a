"""The cursor's arithmetic, against a model store with transactions that end in any order."""

import random
from dataclasses import dataclass, field

import pytest

from bridge.store.cursor import Cursor, Gap, passed, settled, surveyed

ANN, BOB = frozenset({"3/1"}), frozenset({"4/1"})


def test_a_cursor_is_written_down_and_read_back() -> None:
    cursor = Cursor(9, 12, (Gap(3, 4, ANN | BOB), Gap(7, 7, frozenset())))
    assert Cursor.from_json(cursor.to_json()) == cursor
    assert Cursor.from_json(Cursor().to_json()) == Cursor()


@pytest.mark.parametrize(
    "text", ["", "7", "{}", '{"position": 1}', '{"position": 1, "known": 1, "gaps": [[1]]}']
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Cursor.from_json(text)


def test_a_gap_shrinks_by_what_turns_up_in_it() -> None:
    cursor = Cursor(10, 10, (Gap(3, 7, ANN),))
    assert passed(cursor, [3, 5], 10).gaps == (Gap(4, 4, ANN), Gap(6, 7, ANN))
    assert passed(cursor, [3, 4, 5, 6, 7], 10).gaps == ()


def test_a_gap_that_somebody_may_fill_stays() -> None:
    cursor = surveyed(Cursor(10, 10, (Gap(3, 3, ANN | BOB),)), 12, [(11, 11)], BOB)
    assert cursor.gaps == (Gap(3, 3, BOB), Gap(11, 11, BOB))
    assert passed(cursor, [12], 12) == Cursor(12, 12, cursor.gaps)


def test_a_gap_that_nobody_can_fill_goes_once_it_was_asked_for_again() -> None:
    cursor = surveyed(Cursor(10, 10, (Gap(3, 7, ANN),)), 10, [], BOB)
    assert cursor.gaps == (Gap(3, 7, frozenset()),)
    # A full page ended at 5: what comes after it was not asked for.
    assert passed(cursor, [5], 5).gaps == (Gap(6, 7, frozenset()),)
    assert passed(cursor, [], 10).gaps == ()


def test_a_gap_that_nobody_can_fill_goes_at_once_where_nothing_was_read_yet() -> None:
    cursor = surveyed(Cursor(5, 5), 9, [(6, 6), (8, 8)], ANN)
    assert settled(cursor, ANN | BOB) == cursor
    assert settled(cursor, BOB).gaps == ()
    # Below the place that was read it must be asked for again.
    assert settled(Cursor(5, 9, (Gap(4, 6, ANN),)), BOB).gaps == (Gap(4, 5, frozenset()),)


@dataclass
class Store:
    """Positions, and the transactions that took them."""

    visible: set[int] = field(default_factory=set)
    given: list[int] = field(default_factory=list)
    writing: dict[str, set[int]] = field(default_factory=dict)
    last: int = 0

    def survey(self) -> tuple[int, frozenset[str]]:
        return max(self.visible, default=0), frozenset(self.writing)

    def missing(self, since: int, known: int) -> list[tuple[int, int]]:
        return [(n, n) for n in range(since + 1, known + 1) if n not in self.visible]

    def page(self, cursor: Cursor, limit: int) -> list[int]:
        gaps = {n for gap in cursor.gaps for n in range(gap.low, gap.high + 1)}
        return sorted(n for n in self.visible if cursor.position < n <= cursor.known or n in gaps)[
            :limit
        ]


def step(store: Store, chance: random.Random, number: int) -> None:
    """Let a transaction begin, take positions, commit or roll back."""
    if chance.random() < 0.4 or not store.writing:
        store.writing[f"t{number}"] = set()
    who = chance.choice(sorted(store.writing))
    if chance.random() < 0.6:
        store.last += 1
        store.writing[who].add(store.last)
    else:
        positions = store.writing.pop(who)
        store.visible |= positions if chance.random() < 0.7 else set()


def read(store: Store, chance: random.Random, cursor: Cursor, between: int) -> Cursor:
    """Take one page as the reader does, with writers at work between its statements."""
    if cursor.gaps or cursor.position >= cursor.known:
        known, writers = store.survey()
        meddle(store, chance, 1000 + between)
        missing = store.missing(cursor.known, known) if writers else []
        meddle(store, chance, 2000 + between)
        cursor = surveyed(cursor, known, missing, writers)
        if missing:
            meddle(store, chance, 1500 + between)
            cursor = settled(cursor, store.survey()[1])
            meddle(store, chance, 2500 + between)
    limit = chance.randrange(1, 6)
    rows = store.page(cursor, limit)
    store.given += rows
    return passed(cursor, rows, rows[-1] if len(rows) == limit else cursor.known)


def meddle(store: Store, chance: random.Random, number: int) -> None:
    for n in range(chance.randrange(3) if number < 3000 else 0):
        step(store, chance, 10 * number + n)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_order_transactions_end_in_each_event_comes_once(seed: int) -> None:
    chance, store, cursor = random.Random(seed), Store(), Cursor()  # noqa: S311 (no secret)
    for number in range(1, 120):
        step(store, chance, number)
        if chance.random() < 0.4:
            cursor = read(store, chance, cursor, number)
    store.writing.clear()
    # Nobody writes any more: to the end, and once more to ask for the last gaps again.
    for _ in range(60):
        cursor = read(store, chance, cursor, 3000)
    assert sorted(store.given) == sorted(store.visible)
    assert cursor.gaps == ()
