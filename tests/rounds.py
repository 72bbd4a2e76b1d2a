"""Which test files run together, with how many processes, and what runs beside what."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Round:
    """One run of pytest: `workers` processes, 0 for its own; files by how their paths begin."""

    name: str
    workers: int
    beginnings: tuple[str, ...]


FIRST = (Round("units", 4, ("tests/unit/", "tests/gateway/", "tests/contract/")),)
"""By itself: it takes all of the processor, and some of its tests mind who else does."""
ALONE = (
    # Each kills parts that it started itself, on ports of their own.
    Round("deaths", 0, ("tests/faults/", "tests/torture/")),
    Round("edges", 4, ("tests/integration/edge/", "tests/integration/proof/", "tests/security/")),
)
"""What needs no platform, one round after the other."""
ON_THE_PLATFORM = (
    # Has databases, topics and a realm of its own in the platform's parts.
    Round("parts", 3, ("tests/integration/", "tests/crashpoints/")),
    # Looks at the whole, or takes parts of it away.
    Round("platform", 0, ("tests/",)),
)
"""What runs on the one platform, beside the rounds of ALONE."""
EVERY = (*FIRST, *ALONE, *ON_THE_PLATFORM)
WHOLE = ("tests/security/test_direct.py", "tests/integration/stack/")
"""Within other rounds by their paths, and of the last one all the same."""


def files() -> dict[str, list[str]]:
    """Every file of tests, in the one round that it belongs to."""
    found: dict[str, list[str]] = {one.name: [] for one in EVERY}
    for path in sorted(found_in.as_posix() for found_in in Path("tests").rglob("test_*.py")):
        fitting = EVERY[-1:] if path.startswith(WHOLE) else EVERY
        found[next(one.name for one in fitting if path.startswith(one.beginnings))].append(path)
    return found
