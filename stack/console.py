"""What the program says: results on standard output, errors on standard error.

Events, logs and refusals hold what somebody else wrote. A terminal would obey some of it, so all
goes through `visible`.
"""

import json
import re
import sys
from collections.abc import Sequence

from stack.errors import StackError

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Unicode's control characters, C1 among them, but line end and tab; and those that turn the
direction of a text, so that it reads as another one (Unicode's Bidi_Control)."""


def visible(text: str) -> str:
    """The text with `\\u009b` in place of what a terminal would obey. JSON stays the same JSON."""
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str = "") -> None:
    """One line, at once: a reader behind a pipe waits for it."""
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """A value for a program to read."""
    say(json.dumps(value, indent=2))


def complain(error: StackError) -> None:
    """Code, cause, further lines, next command."""
    lines = [f"{error.code}: {error.cause}"]
    lines += [f"  | {line}" for line in error.detail.splitlines()]
    lines += [f"next: {error.next_command}", f"more: causeway explain {error.code}"]
    sys.stderr.write(visible("\n".join(lines)) + "\n")
    sys.stderr.flush()


def table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    """Columns for a person; a header line first."""
    # Before the widths are counted, or what is escaped later would push its row aside.
    cells = [list(heads), *([visible(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
