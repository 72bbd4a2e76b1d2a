"""What an actor tried and what came of it: JSON lines that survive its death."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class History:
    """Appends lines to a file of its own; a line that was written is on the disk."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab")

    def note(self, at: str, **what: Any) -> None:
        """Add a line; when this returns, a SIGKILL or a crash can't take it back."""
        self._file.write(json.dumps({"at": at, **what}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read(directory: Path) -> Iterator[dict[str, Any]]:
    """All lines of all actors, in the order of each. A last line cut short was never noted."""
    for file in sorted(directory.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)
