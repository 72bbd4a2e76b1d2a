"""The child processes of a run: started, killed, started again, and stopped by their ids."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.platform import ROOT
from tests.torture.orders import Orders

STOP_SECONDS = 90.0
PROGRAM = (sys.executable, "-m", "tests.torture.actors")


class Actor:
    """One post of the crew: whoever is killed on it is replaced, until it is told to stop."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.stopping = False
        self._process: Process | None = None
        self._ended = asyncio.Event()

    async def keep(self) -> None:
        """Start it, and start it again after each SIGKILL; any other end is an error of ours."""
        try:
            while not self.stopping:
                code = await self._live()
                if code in self._proper_ends():
                    return
                if code != -signal.SIGKILL:
                    raise AssertionError(f"{self.orders.name} ended with {code}:\n{self._words()}")
                self.orders = replace(self.orders, life=self.orders.life + 1)
        finally:
            self._ended.set()

    def _proper_ends(self) -> tuple[int, ...]:
        """Codes of who ended as told: before it listens to SIGTERM, it ends by that itself."""
        return (0, -signal.SIGTERM) if self.stopping else (0,)

    async def _live(self) -> int:
        """Run one process to its end; it never outlives this coroutine."""
        with self._log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *PROGRAM, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output
            )
        self._process = process
        try:
            if process.stdin is None:
                raise RuntimeError("the actor was started without its pipe")
            with contextlib.suppress(ConnectionError):  # killed already: the next one is told
                process.stdin.write(self.orders.line())
                await process.stdin.drain()
            return await process.wait()
        finally:
            self.send(signal.SIGKILL)
            await process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to whoever is on the post now, if anybody is."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not its own `send_signal`: that may collect the exit code before the event loop
                # does, which then takes it for 255.
                os.kill(self._process.pid, number)

    async def stop(self) -> None:
        """SIGTERM, and wait for the end; it drains and leaves as a service does."""
        self.stopping = True
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            await self._ended.wait()

    @property
    def _log(self) -> Path:
        return self.orders.directory / f"{self.orders.name}.log"

    def _words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-25:])


class Crew:
    """The actors of one run."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._actors: list[Actor] = []

    def add(self, orders: Orders) -> Actor:
        """Put an actor on a new post."""
        actor = Actor(orders)
        self._actors.append(actor)
        self._tasks.create_task(actor.keep())
        return actor

    def of(self, role: str) -> list[Actor]:
        """The actors of a role that were not told to stop."""
        return [one for one in self._actors if one.orders.role == role and not one.stopping]

    async def stop(self, *roles: str) -> None:
        """Stop all actors of these roles side by side."""
        actors = [actor for role in roles for actor in self.of(role)]
        await asyncio.gather(*(actor.stop() for actor in actors))


@asynccontextmanager
async def assembled() -> AsyncIterator[Crew]:
    """Give a crew; whatever happens in the block, its processes are gone after it."""
    async with asyncio.TaskGroup() as tasks:
        crew = Crew(tasks)
        yield crew
        await crew.stop("writer", "guest", "consumer", "relay")
