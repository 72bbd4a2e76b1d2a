"""The journal of a running `up`: every change of a node goes through here to the state file."""

import os
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.component import Component, Node
from stack.identity import Identity, birth_of
from stack.journal import Entry, Record, write
from stack.processes import log_of


class Workplace:
    """The state directory of one `up`, and what is known of its nodes."""

    def __init__(
        self,
        state: Path,
        nodes: Sequence[Node],
        *,
        ports: Mapping[str, int] | None = None,
        choices: Mapping[str, object] | None = None,
    ) -> None:
        self.state = state
        self.run = uuid.uuid4().hex
        self.record = Record(
            supervisor=Identity(os.getpid(), birth_of(os.getpid()) or "", self.run),
            started=time.time(),
            ports=dict(ports or {}),
            choices=dict(choices or {}),
            entries={node.name: _entry(state, node) for node in nodes},
        )

    def entry(self, name: str) -> Entry:
        """What is known of a node."""
        return self.record.entries[name]

    def admit(self, node: Node) -> None:
        """Begin to keep an entry for a node that was not there at the start."""
        self.record.entries[node.name] = _entry(self.state, node)

    def dismiss(self, name: str) -> None:
        """Forget a node."""
        self.record.entries.pop(name, None)
        self._write()

    def scaled(self, service: str, replicas: int) -> None:
        """Note how many replicas a service now has, for those who build the same graph."""
        given = self.record.choices.get("scale")
        scale = given if isinstance(given, dict) else {}
        self.record.choices = {**self.record.choices, "scale": {**scale, service: replicas}}
        self._write()

    def enter(self, phase: str) -> None:
        """The platform as a whole: fetching, starting, running, stopping, stopped."""
        self.record.phase = phase
        self._write()

    def change(self, name: str, phase: str, **fields: object) -> Entry:
        """Set a node's phase and, by name, other fields of its entry."""
        entry = self.entry(name)
        entry.phase = phase
        for field, value in fields.items():
            setattr(entry, field, value)
        self._write()
        return entry

    def note(self, name: str, error: BaseException) -> None:
        """Keep the traceback of a task for `causeway logs NAME`; the terminal has the cause."""
        log = log_of(self.state, name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)))

    def _write(self) -> None:
        try:
            write(self.state, self.record)
        except OSError:
            # Once it runs, a full disk must not end what still works; the guard has the groups.
            if self.record.phase in ("fetching", "starting"):
                raise


def _entry(state: Path, node: Node) -> Entry:
    component = isinstance(node, Component)
    return Entry(
        name=node.name,
        kind="component" if component else "task",
        ports=dict(node.ports) if isinstance(node, Component) else {},
        log=str(log_of(state, node.name)),
    )
