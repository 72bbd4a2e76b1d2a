"""Which points there are: those that the committed lists have, and where a run is to die."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.crashpoints.life import PROCESSES
from tests.crashpoints.trigger import AFTER, Aim

LISTS = Path(__file__).parent
FIRST = ".beginning."
"""In points of a store's first relay: passed until something is sealed, and never again."""
RARE = (FIRST, ".groups.register.", ".heads.", ".due.")
"""In points that a life passes once, or every few seconds."""


def listed(name: str) -> list[str]:
    """The points of a list: `points`, `recovery` or `elsewhere`."""
    return [words[0] for words in _lines(name)]


def _lines(name: str) -> list[list[str]]:
    """The words of each line, without comments."""
    lines = (LISTS / f"{name}.txt").read_text().splitlines()
    return [words for line in lines if (words := line.partition("#")[0].split())]


def unknown(passed: Iterable[str]) -> list[str]:
    """The points that no list has."""
    known = {*listed("points"), *listed("recovery"), *listed("elsewhere")}
    return sorted(one for one in passed if not known & {one, one.rpartition(".")[0]})


def all_aims(seed: int) -> list[Aim]:
    """Every point, in an order of chance; those of a beginning first, those of recovery last."""
    chance, recovery = random.Random(seed), _lines("recovery")  # noqa: S311 (no secret)
    return [
        *sorted(_shuffled(listed("points"), chance), key=_place),
        *(Aim(point, after=crash) for point, crash in chance.sample(recovery, len(recovery))),
    ]


def sample(seed: int, each: int) -> list[Aim]:
    """So many points of each process, among those that need no crash before them."""
    aims = _shuffled(listed("points"), random.Random(seed))  # noqa: S311 (no secret)
    chosen = [aim for process in PROCESSES for aim in of(process, aims)[:each]]
    return sorted(chosen, key=_place)


def of(process: str, aims: Sequence[Aim]) -> list[Aim]:
    """Those of one process."""
    return [aim for aim in aims if aim.point.startswith(f"{process}.")]


def later(aims: Sequence[Aim], seed: int, most: int) -> list[Aim]:
    """The same points at a later passing of a life, but those that have none, or none soon."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    return [
        Aim(aim.point, chance.randint(2, most))
        for aim in aims
        if not any(rare in aim.point for rare in RARE)
    ]


def _shuffled(points: Sequence[str], chance: random.Random) -> list[Aim]:
    return [Aim(point) for point in chance.sample(points, len(points))]


def _place(aim: Aim) -> tuple[bool, bool]:
    """Where an aim stands among others: a beginning first, and its commit before what is behind."""
    begins = FIRST in aim.point
    return not begins, begins and aim.point.endswith(AFTER)
