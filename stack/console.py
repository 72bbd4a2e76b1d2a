"""What the program says: results on standard output, errors on standard error."""

import json
import sys
from collections.abc import Sequence

from stack.errors import StackError


def say(text: str = "") -> None:
    """One line, at once: a reader behind a pipe waits for it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """A value for a program to read."""
    say(json.dumps(value, indent=2))


def complain(error: StackError) -> None:
    """Code, cause, further lines, next command."""
    lines = [f"{error.code}: {error.cause}"]
    lines += [f"  | {line}" for line in error.detail.splitlines()]
    lines += [f"next: {error.next_command}", f"more: causeway explain {error.code}"]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    """Columns for a person; a header line first."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
