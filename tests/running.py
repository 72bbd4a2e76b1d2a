"""One pytest as a child: it ends when it is told, and nothing that it started outlives it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import IO, NamedTuple

import psutil

from stack.run import on_leash

FAILURE = re.compile(r"(FAILED|ERROR) \S")
"""In pytest's summary. A log's line has more blanks behind its level."""
LAST_WORDS = 10.0
"""Seconds to print the rest of what a round said."""


class Ended(NamedTuple):
    """How a pytest ended: its exit code, and the line of its summary for each test that failed."""

    code: int
    failures: tuple[str, ...] = ()


@contextmanager
def noting(stop: Event) -> Iterator[None]:
    """Within the block a signal to end sets `stop`, for whoever runs something to see."""
    before = {
        one: signal.signal(one, lambda _number, _frame: stop.set())
        for one in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    arguments: Sequence[str],
    stop: Event,
    name: str = "",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run pytest to its end; it is interrupted, once, when `stop` is set.

    `name` comes before each line of its output, where there is one; else nobody looks for failures
    in it. `environment` None means this process's own. On a leash, in a session of its own: no
    terminal's Ctrl-C reaches it but through `stop`, and when this process is killed it is too.
    """
    process = subprocess.Popen(  # noqa: S603
        on_leash([sys.executable, "-m", "pytest", *arguments]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if name else None,
        stderr=subprocess.STDOUT if name else None,
        text=True,
        errors="replace",
        start_new_session=True,
        env=environment,
    )
    failures: list[str] = []
    teller = Thread(target=_tell, args=(name, process.stdout, failures), daemon=True)
    teller.start()
    try:
        code = _ended(process, stop)
    finally:
        _clear(process)
        # Not for ever: a program that left the session may still hold the pipe.
        teller.join(LAST_WORDS)
    return Ended(code, tuple(failures))


def _ended(process: subprocess.Popen[str], stop: Event) -> int:
    told = False
    while True:
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            if stop.is_set() and not told:
                told = _interrupt(process.pid)


def _interrupt(leash: int) -> bool:
    """Interrupt pytest and the workers of xdist, as Ctrl-C would; whether pytest was there.

    A worker that hears of it from pytest alone has too little time to end what its test started.
    """
    with suppress(psutil.NoSuchProcess):
        for pytest in psutil.Process(leash).children():
            for child in pytest.children():
                with suppress(psutil.NoSuchProcess):  # as one that nobody has waited for yet
                    if "sys.stdin.readline()" in " ".join(child.cmdline()):
                        child.send_signal(signal.SIGINT)
            pytest.send_signal(signal.SIGINT)
            return True
    return False


def _clear(process: subprocess.Popen[str]) -> None:
    """Let go of the leash, and kill what a worker that was killed has left."""
    if process.stdin:
        process.stdin.close()
    process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _tell(name: str, output: IO[str] | None, failures: list[str]) -> None:
    if output is None:
        return
    with output:
        for line in output:
            print(said := f"{name:<8} | {line}", end="", flush=True)
            if FAILURE.match(line):
                failures.append(said)
