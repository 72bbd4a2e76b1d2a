"""`<state>/platform.json`: what runs, for `status`, `down` and the next `up`.

Always replaced as a whole, so a reader never meets half a file, and a crash leaves the
process groups that it knew of.
"""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, TypeVar

from stack.errors import Code, StackError
from stack.identity import Identity

Shape = TypeVar("Shape")

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
    """The last record, or None when nothing was ever started with this state.

    What another version wrote besides is ignored. Raises StackError RECORD_UNREADABLE.
    """
    try:
        return _record(json.loads((state / FILE).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StackError(
            Code.RECORD_UNREADABLE,
            f"{state / FILE} can't be read: {type(error).__name__}: {error}",
            f"rm {shlex.quote(str(state / FILE))}   (first end what `ps` still shows of it)",
        ) from None


def _record(fields: Mapping[str, Any]) -> Record:
    entries = {name: _entry(given) for name, given in fields["entries"].items()}
    values = {**fields, "supervisor": _made(Identity, fields["supervisor"]), "entries": entries}
    return _made(Record, values)


def _entry(fields: Mapping[str, Any]) -> Entry:
    identity = fields.get("identity")
    return _made(
        Entry, {**fields, "identity": None if identity is None else _made(Identity, identity)}
    )


def _made(shape: type[Shape], given: Mapping[str, Any]) -> Shape:
    known = {one.name for one in fields_of(shape)}  # type: ignore[arg-type]
    return shape(**{name: value for name, value in given.items() if name in known})
