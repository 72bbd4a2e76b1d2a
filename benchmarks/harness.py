"""How a figure is taken and judged: two sides in turns, and the median of their ratios.

Machines are shared and drift, so an absolute figure says little. Both sides are measured in the
same round, one right after the other, and the ratio is formed within the round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")

Measure = Callable[[], Awaitable[float]]
"""Takes one figure, of one round."""

Rounds = Sequence[tuple[float, float]]
"""What was measured in each: (ours, theirs)."""

Say = Callable[[str], None]
"""Where progress goes."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the ratio ours / theirs must be."""

    least: float | None = None
    most: float | None = None

    def held(self, ratio: float) -> bool:
        """Whether a ratio is within it."""
        above = self.least is None or ratio >= self.least
        return above and (self.most is None or ratio <= self.most)

    def __str__(self) -> str:
        parts = (("≥", self.least), ("≤", self.most))
        return " ".join(f"{sign} {bound:g}" for sign, bound in parts if bound is not None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `rounds` holds (ours, theirs), both in `unit`."""

    what: str
    peer: str
    unit: str
    rounds: Rounds
    target: Target = Target()

    @property
    def ours(self) -> float:
        """Median of our side."""
        return median(ours for ours, _ in self.rounds)

    @property
    def theirs(self) -> float:
        """Median of the other side."""
        return median(theirs for _, theirs in self.rounds)

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios."""
        return median(ours / theirs for ours, theirs in self.rounds)

    @property
    def held(self) -> bool:
        """Whether the target is met; True where there is none."""
        return self.target.held(self.ratio)


async def in_turns(ours: Measure, theirs: Measure, rounds: int, say: Say) -> Rounds:
    """Measure both sides in turns, A B A B; who goes first changes with every round."""
    found = []
    for number in range(1, rounds + 1):
        if number % 2:
            pair = await ours(), await theirs()
        else:
            other = await theirs()
            pair = await ours(), other
        say(f"  round {number} of {rounds}: {pair[0]:,.4g} beside {pair[1]:,.4g}")
        found.append(pair)
    return found


async def all_in_turns(
    sides: Mapping[str, Callable[[], Awaitable[T]]],
    rounds: int,
    say: Say,
    tell: Callable[[T], str],
) -> list[dict[str, T]]:
    """Measure several sides in each round, A B C C B A; `tell` puts one into words."""
    found = []
    for number in range(1, rounds + 1):
        names = list(sides) if number % 2 else list(sides)[::-1]
        seen = {name: await sides[name]() for name in names}
        told = ", ".join(f"{name} {tell(seen[name])}" for name in sides)
        say(f"  round {number} of {rounds}: {told}")
        found.append(seen)
    return found


async def until(holds: Callable[[], Awaitable[bool]], pause: float = 0.05) -> None:
    """Wait until something holds, asking every `pause` seconds."""
    while True:
        if await holds():
            return
        await asyncio.sleep(pause)
