"""Reads the logs of the parts: one by itself, several with their names before the lines."""

import time
from collections.abc import Sequence
from pathlib import Path

from stack.console import say
from stack.errors import Code, StackError
from stack.graph import matching
from stack.processes import tail


def logs_of(directory: Path, name: str) -> list[Path]:
    """The log files that `name` stands for; StackError UNKNOWN_NAME or NOT_RUNNING."""
    known = sorted(path.stem for path in directory.glob("*.log"))
    if not known:
        raise StackError(Code.NOT_RUNNING, f"there are no logs in {directory}", "causeway up")
    return [directory / f"{found}.log" for found in matching(known, name)]


def last_lines(files: Sequence[Path], lines: int) -> None:
    """Print the end of each file."""
    for path in files:
        for line in tail(path, lines=lines).splitlines():
            _say(path, line, named=len(files) > 1)


def follow_logs(files: Sequence[Path], poll: float = 0.2) -> None:
    """Print what is added, until Ctrl-C. A file that was replaced is read from its start."""
    at = {path: path.stat().st_size for path in files}
    while True:
        for path in files:
            at[path] = _added(path, at[path], named=len(files) > 1)
        time.sleep(poll)


def _added(path: Path, start: int, *, named: bool) -> int:
    size = path.stat().st_size if path.exists() else 0
    if size <= start:
        return size
    with path.open("rb") as log:
        log.seek(start)
        whole = log.read(size - start).rpartition(b"\n")[0]
    for line in whole.decode(errors="replace").splitlines():
        _say(path, line, named=named)
    return start + len(whole) + 1 if whole else start


def _say(path: Path, line: str, *, named: bool) -> None:
    say(f"{path.stem} | {line}" if named else line)
