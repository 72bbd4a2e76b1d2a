"""`causeway up` in the foreground, as a child, and the process groups that it made."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from stack.identity import RUN_VARIABLE
from stack.journal import Record, read
from tests.platform import CAUSEWAY, ROOT, START_TIMEOUT

GONE_WITHIN = 30.0
"""Seconds from the supervisor's end: its guard asks, waits 8 s, kills."""


@dataclass(frozen=True)
class Up:
    """One running `up`; its output goes to `log`."""

    process: subprocess.Popen[bytes]
    state: Path
    log: Path

    def await_phase(self, phase: str) -> Record:
        """Wait until the platform as a whole is there; fails with its output when `up` ends."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            record = read(self.state)
            if record and record.supervisor.pid == self.process.pid and record.phase == phase:
                return record
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"not {phase} in time:\n{self.log.read_text()}")

    def groups(self) -> set[int]:
        """The process groups of the state file, the guard's and of all descendants."""
        record = read(self.state)
        recorded = {group.pid for group in record.groups()} if record else set()
        below = psutil.Process(self.process.pid).children(recursive=True)
        return recorded | {self.process.pid} | {_group_of(child.pid) for child in below} - {0}

    def await_first_part(self) -> None:
        """Wait until one process of the platform runs."""
        while not self.await_phase("starting").groups():
            time.sleep(0.02)


def start(settings: dict[str, str], *arguments: str) -> Up:
    """Start it, in a group of its own as a shell would."""
    state = Path(settings["CAUSEWAY_STATE"])
    state.mkdir(parents=True, exist_ok=True)
    log = state.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [CAUSEWAY, "up", *arguments],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Up(process, state, log)


def end(up: Up, number: signal.Signals) -> int:
    """Send the signal as it comes in life: Ctrl-C to the whole group, others to the process."""
    if number == signal.SIGINT:
        os.killpg(up.process.pid, number)
    else:
        up.process.send_signal(number)
    return up.process.wait(90)


def survivors(up: Up, groups: set[int], within: float = GONE_WITHIN) -> list[str]:
    """What still runs when the time is over, as "pid name"; empty as soon as nothing does.

    That is what is in the groups, and what carries the mark of this `up` in its environment.
    """
    record = read(up.state)
    marks = {("CAUSEWAY_STATE", str(up.state))}
    if record is not None:
        marks.add((RUN_VARIABLE, record.supervisor.run))
    deadline = time.monotonic() + within
    while (left := _running(groups, marks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _running(groups: set[int], marks: set[tuple[str, str]]) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if _group_of(process.pid) in groups or marks & set(process.environ().items()):
                found.append(f"{process.pid} {process.name()}")
    return found


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
