"""Points that a process passes, and the one at which it dies."""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

BEFORE, AFTER = "before", "after"
CRASHED = "!"
"""Begins the line of the point at which the process died."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Die at a point, when it is passed for the n-th time in a life.

    `after`: it is passed only where the life before has died at that point.
    """

    point: str
    passing: int = 1
    after: str = ""

    def lives(self) -> "list[Aim]":
        """What one life after the other is to die at, so that the last one dies here."""
        return [Aim(self.after), self] if self.after else [self]


@dataclass
class Trigger:
    """Knows where its process is to die; notes in `report` what it passes, each point once."""

    process: str
    report: Path
    aim: Aim | None
    _seen: set[str] = field(default_factory=set)
    _passed: int = 0

    def reach(self, names: Iterable[str], side: str) -> None:
        """Pass the points of these names on one side of the port: at one of them, die there.

        SIGKILL to oneself ends the process before this returns: nothing that it would still do,
        no `finally`, no rollback, no good-bye to a broker, happens.
        """
        for name in names:
            point = f"{self.process}.{name}.{side}"
            if point not in self._seen:
                self._seen.add(point)
                self._note(point)
            if self.aim is not None and point == self.aim.point:
                self._passed += 1
                if self._passed == self.aim.passing:
                    self._note(f"{CRASHED}{point}")
                    os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, line: str) -> None:
        with self.report.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())


def points_in(report: Path) -> tuple[set[str], list[str]]:
    """The points that were passed, and those at which processes died."""
    lines = report.read_text().splitlines() if report.exists() else []
    passed = {line for line in lines if not line.startswith(CRASHED)}
    return passed, [line[1:] for line in lines if line.startswith(CRASHED)]
