"""The table of all points, as docs/faults.md shows it."""

from collections.abc import Iterator
from pathlib import Path

from tests.crashpoints.life import PROCESSES
from tests.crashpoints.plan import LISTS, listed, of
from tests.crashpoints.trigger import Aim

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- points -->\n", "<!-- end of points -->\n"


def table() -> str:
    """Write the lists as two tables in Markdown."""
    return "\n".join([*_crashes(), "", *_elsewhere(), ""])


def written(document: str) -> str:
    """The document with the tables of today."""
    head, _, rest = document.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def _crashes() -> Iterator[str]:
    yield "| process | point | crashes | passed |"
    yield "|---|---|---|---|"
    for process in PROCESSES:
        for name, when in (("points", "always"), ("recovery", "after a crash")):
            aims = of(process, [Aim(point) for point in listed(name)])
            sides: dict[str, list[str]] = {}
            for aim in aims:
                point, _, side = aim.point.removeprefix(f"{process}.").rpartition(".")
                sides.setdefault(point, []).append(side)
            for point, told in sides.items():
                yield f"| {process} | `{point}` | {', '.join(told)} | {when} |"


def _elsewhere() -> Iterator[str]:
    yield "| point | brought about and covered by |"
    yield "|---|---|"
    for line in (LISTS / "elsewhere.txt").read_text().splitlines():
        point, _, by = (part.strip() for part in line.partition("#"))
        if point:
            yield f"| `{point}` | {by} |"
