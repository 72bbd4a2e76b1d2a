"""`<state>/platform.json`: what runs, for `status`, `down` and the next `up`.

Always replaced as a whole, so a reader never meets half a file, and a crash leaves the
process groups that it knew of.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stack.identity import Identity

FILE = "platform.json"


@dataclass(slots=True)
class Entry:
    """A component or task as last seen. Times are seconds since the epoch."""

    name: str
    kind: str
    phase: str = "waiting"
    identity: Identity | None = None
    ports: dict[str, int] = field(default_factory=dict)
    log: str = ""
    started: float | None = None
    took: float | None = None
    restarts: int = 0
    last_exit: str = ""


@dataclass(slots=True)
class Record:
    """One `up`; `ports` and `choices` are its own, so that others build the same graph."""

    supervisor: Identity
    phase: str = "starting"
    started: float = 0.0
    ports: dict[str, int] = field(default_factory=dict)
    choices: dict[str, object] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def groups(self) -> list[Identity]:
        """Process groups, the last started first."""
        return [e.identity for e in self.entries.values() if e.identity is not None][::-1]


def write(state: Path, record: Record) -> None:
    """Replace the file in `state`. Raises OSError, e.g. on a full disk."""
    replace_text(state / FILE, json.dumps(asdict(record), indent=1))


def replace_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as output:
            output.write(text)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read(state: Path) -> Record | None:
    """The last record, or None when nothing was ever started with this state."""
    try:
        fields = json.loads((state / FILE).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    entries = {name: _entry(given) for name, given in fields.pop("entries").items()}
    supervisor = Identity(**fields.pop("supervisor"))
    return Record(supervisor=supervisor, entries=entries, **fields)


def _entry(fields: Mapping[str, object]) -> Entry:
    values = dict(fields)
    identity = values.pop("identity")
    entry = Entry(**values)  # type: ignore[arg-type]
    entry.identity = Identity(**identity) if isinstance(identity, dict) else None
    return entry
