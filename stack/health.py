"""Honest status: every component is asked in its real protocol, now."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from stack.asking import complaint
from stack.component import Component
from stack.identity import is_alive
from stack.journal import Entry, Record
from stack.processes import START_MARK, tail

LIMIT = 5.0
"""Seconds that a component has to answer: who is busy is not silent."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One component as found. `uptime` in seconds; `reason` and `log_tail` when not up."""

    name: str
    up: bool
    phase: str
    pid: int | None
    uptime: float | None
    restarts: int
    ports: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    log: str = ""
    log_tail: list[str] = field(default_factory=list)


async def look(components: Sequence[Component], record: Record) -> list[Seen]:
    """Ask all at once; in the order of `components`."""
    found: dict[str, Seen] = {}

    async def one(component: Component) -> None:
        # None while a restart replaces it.
        entry = record.entries.get(component.name) or Entry(component.name, "component", "replaced")
        found[component.name] = await _seen(component, entry)

    async with anyio.create_task_group() as tasks:
        for component in components:
            tasks.start_soon(one, component)
    return [found[component.name] for component in components]


async def _seen(component: Component, entry: Entry) -> Seen:
    identity = entry.identity
    alive = identity is not None and is_alive(identity)
    reason = (
        await complaint(component, LIMIT) if alive else entry.last_exit or f"it is {entry.phase}"
    )
    up = alive and not reason
    # One that this supervisor does not know yet has no log.
    spoke = not up and entry.phase != "waiting" and entry.log
    return Seen(
        name=entry.name,
        up=up,
        phase=entry.phase if up or entry.phase != "ready" else "silent" if alive else "down",
        pid=identity.pid if identity is not None and alive else None,
        uptime=round(time.time() - entry.started, 1) if alive and entry.started else None,
        restarts=entry.restarts,
        ports=dict(component.ports),
        reason=reason,
        log=entry.log,
        log_tail=_last_words(Path(entry.log)) if spoke else [],
    )


def _last_words(log: Path) -> list[str]:
    """The end of a log, without what an earlier start wrote."""
    lines = tail(log, lines=8).splitlines()
    marks = [number for number, line in enumerate(lines) if line.startswith(START_MARK)]
    return lines[marks[-1] :] if marks else lines
