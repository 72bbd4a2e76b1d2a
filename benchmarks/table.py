"""The table: what, ours, theirs, ratio, target."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.harness import Row

HEAD = ("what", "ours", "beside", "theirs", "ratio", "target", "")


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Lay the rows out as text."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()


def records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Lay the rows out for a program: figures in `unit`, rounds as they came."""
    return [
        {
            "what": row.what,
            "peer": row.peer,
            "unit": row.unit,
            "ours": row.ours,
            "theirs": row.theirs,
            "ratio": row.ratio,
            "target": {"least": row.target.least, "most": row.target.most},
            "held": row.held,
            "rounds": list(row.rounds),
        }
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    target = str(row.target)
    verdict = ("held" if row.held else "MISSED") if target else ""
    return (
        row.what,
        f"{row.ours:,.4g} {row.unit}",
        row.peer,
        f"{row.theirs:,.4g} {row.unit}",
        f"{row.ratio:.2f}",
        target,
        verdict,
    )
