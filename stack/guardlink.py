"""The supervisor's end of the pipe to its guard (`stack/guard.py`)."""

import contextlib
import subprocess
import sys
from pathlib import Path

import anyio

from stack.guard import erase, record
from stack.identity import Identity


class GuardLink:
    """Tells the guard which process groups exist, and replaces a guard that was killed."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._groups: dict[int, Identity] = {}
        self._guard = self._start()

    @property
    def pid(self) -> int:
        """The guard's process, for `status`."""
        return self._guard.pid

    def add(self, identity: Identity) -> None:
        """Put a process group under guard."""
        self._groups[identity.pid] = identity
        self._send(record(identity))

    def remove(self, identity: Identity) -> None:
        """Say that a group has ended."""
        if self._groups.pop(identity.pid, None):
            self._send(erase(identity))

    async def keep(self) -> None:
        """Replace the guard when it dies; runs until cancelled."""
        while True:
            await anyio.sleep(0.5)
            if self._guard.poll() is not None:
                self._replace()

    def close(self) -> None:
        """End the pipe; the guard ends what is still recorded, which is nothing after a stop."""
        with contextlib.suppress(BrokenPipeError):
            self._guard.communicate()

    def _start(self) -> subprocess.Popen[str]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "stack.guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=output,
                text=True,
                bufsize=1,
                start_new_session=True,
            )

    def _replace(self) -> None:
        self._guard = self._start()
        for identity in self._groups.values():
            self._write(record(identity))

    def _send(self, line: str) -> None:
        try:
            self._write(line)
        except BrokenPipeError:
            self._replace()  # it sends all records, this one too

    def _write(self, line: str) -> None:
        if self._guard.stdin is None:
            raise RuntimeError("the guard was started without its pipe")
        self._guard.stdin.write(line + "\n")
