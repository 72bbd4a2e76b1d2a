"""Start one child process so that it can't be lost, and read the end of its log."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio.abc import Process

from stack.component import Component
from stack.identity import RUN_VARIABLE, Identity, birth_of
from stack.loopback import direct

# The child waits for a word before it becomes the component, and ends when the pipe ends
# first. So there is no moment at which it runs but is not yet recorded.
_LAUNCH = 'read -r go && exec "$@" </dev/null'

_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")

_LOG_LIMIT = 20 * 1024 * 1024

START_MARK = "--- started "
"""Begins the line in a log from which on the present start writes."""


@dataclass(frozen=True, slots=True)
class Child:
    """A started component; its log of this start begins at byte `log_start`."""

    process: Process
    identity: Identity
    log: Path
    log_start: int

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self.process.returncode


async def spawn(
    component: Component, *, state: Path, run: str, enlist: Callable[[Identity], None]
) -> Child:
    """Start the component; `enlist` records it before its first instruction. Not cancellable."""
    log = log_of(state, component.name)
    start = open_section(log)
    with anyio.CancelScope(shield=True):
        process = await _launch(component, state, run, log)
        born = birth_of(process.pid) or ""
        identity = Identity(process.pid, born, run, int(component.stop_signal))
        enlist(identity)
        await _let_go(process)
    return Child(process, identity, log, start)


async def _launch(component: Component, state: Path, run: str, log: Path) -> Process:
    with log.open("ab") as output:
        return await anyio.open_process(
            ["/bin/sh", "-c", _LAUNCH, component.name, *component.command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=component.directory or state,
            env=_environment(component.environment, run),
            start_new_session=True,
        )


async def _let_go(process: Process) -> None:
    if process.stdin is None:
        raise RuntimeError("the child was started without its pipe")
    with contextlib.suppress(anyio.BrokenResourceError, OSError):  # its exit code says why
        await process.stdin.send(b"go\n")
        await process.stdin.aclose()


def _environment(own: Mapping[str, str], run: str) -> dict[str, str]:
    common = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**common, **direct(os.environ), **own, RUN_VARIABLE: run}


def log_of(state: Path, name: str) -> Path:
    """Where the component or task `name` writes."""
    return state / "logs" / f"{name}.log"


def open_section(log: Path) -> int:
    """Begin a new part of a log, which keeps the earlier ones; the byte where it begins."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        output.write(f"{START_MARK}{moment} ---\n".encode())
        return output.tell()


def tail(log: Path, start: int = 0, lines: int = 20) -> str:
    """The last `lines` lines written after byte `start`; empty when there is no log."""
    try:
        with log.open("rb") as text:
            end = text.seek(0, os.SEEK_END)
            text.seek(max(min(start, end), end - 64 * 1024))
            return "\n".join(text.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
