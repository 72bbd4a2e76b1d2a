"""A figure is judged by the ratios of its rounds, each of two neighbours in time."""

from collections.abc import Awaitable, Callable

import pytest

from benchmarks.harness import Row, Target, all_in_turns, in_turns
from benchmarks.table import lines, records


def row(*rounds: tuple[float, float], target: Target = Target()) -> Row:  # noqa: B008  (frozen)
    return Row("append", "a peer", "events/s", rounds, target)


def test_the_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_the_medians() -> None:
    # The machine was ten times slower in the second half.
    found = row((100, 50), (100, 50), (10, 5), (10, 5), (10, 1))
    assert found.ratio == 2
    assert found.ours / found.theirs == 2
    assert row((100, 10), (10, 10), (10, 1)).ratio == 10


@pytest.mark.parametrize(
    ("target", "ratio", "held"),
    [
        (Target(), 0.1, True),
        (Target(least=2), 2.0, True),
        (Target(least=2), 1.9, False),
        (Target(most=3), 3.0, True),
        (Target(most=3), 3.1, False),
    ],
)
def test_a_target_is_a_bound_that_may_be_touched(target: Target, ratio: float, held: bool) -> None:
    assert row((ratio, 1), target=target).held is held


async def test_both_sides_are_measured_in_every_round_and_take_turns_in_going_first() -> None:
    order: list[str] = []

    async def ours() -> float:
        order.append("A")
        return 1.0

    async def theirs() -> float:
        order.append("B")
        return 2.0

    said: list[str] = []
    assert await in_turns(ours, theirs, 3, said.append) == [(1.0, 2.0)] * 3
    assert "".join(order) == "ABBAAB"
    assert len(said) == 3


async def test_several_sides_are_measured_in_every_round_there_and_back() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[], Awaitable[int]]:
        async def measure() -> int:
            order.append(name)
            return len(order)

        return measure

    said: list[str] = []
    sides = {name: side(name) for name in "ABC"}
    found = await all_in_turns(sides, 2, said.append, str)
    assert "".join(order) == "ABCCBA"
    assert found == [{"A": 1, "B": 2, "C": 3}, {"A": 6, "B": 5, "C": 4}]
    assert said[1] == "  round 2 of 2: A 6, B 5, C 4"


def test_a_missed_target_is_told_in_the_table_and_to_a_program() -> None:
    rows = [row((1, 1), target=Target(least=2)), row((1, 1))]
    head, missed, free = lines(rows)
    assert head.split() == ["what", "ours", "beside", "theirs", "ratio", "target"]
    assert missed.endswith("1.00   ≥ 2     MISSED")
    assert free.endswith("1.00")
    assert [one["held"] for one in records(rows)] == [False, True]
