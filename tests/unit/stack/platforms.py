"""Small platforms of real child processes, for the tests of the supervisor."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from stack.component import Component, Probe
from stack.journal import Entry, read

RUNNER = Path(__file__).with_name("runner.py")


async def at_once() -> None:
    """A probe that is content as soon as the process was started."""


def when_exists(path: Path) -> Probe:
    """A probe that waits for a file."""

    async def probe() -> None:
        if not path.exists():  # noqa: ASYNC240 (a test)
            raise FileNotFoundError(f"{path.name} is not there")

    return probe


def python(
    name: str, code: str, *, after: tuple[str, ...] = (), ready: Probe = at_once
) -> Component:
    """A component that runs a line of Python."""
    command = (sys.executable, "-u", "-c", code)
    return Component(name=name, command=command, ready=ready, after=after, stop_timeout=3)


def sleeper(name: str, *, after: tuple[str, ...] = ()) -> Component:
    """A component that does nothing and obeys SIGTERM."""
    return Component(name=name, command=("/bin/sleep", "600"), ready=at_once, after=after)


def start_runner(state: Path, *words: str) -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own (see `runner.py`)."""
    return subprocess.Popen([sys.executable, str(RUNNER), str(state), *words])  # noqa: S603


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `condition()` is true; AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def entries(state: Path) -> dict[str, Entry]:
    """The nodes of the state file; empty before it exists."""
    record = read(state)
    return {} if record is None else record.entries


def runs(pid: int) -> bool:
    """Whether a process lives, zombies not counted."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def pids(state: Path) -> dict[str, int]:
    """The processes of the state file by name."""
    return {name: e.identity.pid for name, e in entries(state).items() if e.identity}


def events(path: Path) -> list[str]:
    """The lines of a journal that children appended to."""
    return path.read_text().split() if path.exists() else []
