"""The processes of a run: each dies at its next aim and is started anew, until told otherwise."""

import asyncio
import multiprocessing
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from signal import SIGKILL

from tests.crashpoints.life import Life
from tests.crashpoints.plan import of
from tests.crashpoints.trigger import Aim, points_in

PATIENCE = 15.0
"""Seconds that a life may take to come to its aim; then it dies anyhow, and the aim comes again,
with as much time more: a slow machine may need all of this to begin a life."""
TRIES = 3
SERVER = "tests.crashpoints.process"


class Post:
    """One process, life after life. `aims` are taken from the left."""

    def __init__(self, life: Life, aims: Sequence[Aim] = ()) -> None:
        self.name = life.process
        self._life = life
        self._aims = deque((aim, 1) for aim in aims)
        self._process: ForkServerProcess | None = None
        self.missed: list[Aim] = []
        self.stopping = False
        self.visited = False
        """Whether a customer came during this try. Where none did, because enough was on its way,
        many an aim can't be met, and the try is not the last one."""

    @property
    def busy(self) -> bool:
        """Whether it has yet to die somewhere."""
        return bool(self._aims)

    async def keep(self) -> None:
        """Keep a process on the post; whatever ends other than by SIGKILL is an error of ours."""
        while not self.stopping:
            if not self._aims:
                await self._live(None)
                continue
            aim, tries = self._aims[0]
            if not await self._died_at(aim, PATIENCE * min(tries, TRIES)):
                self._again(aim, tries)
            self._aims.popleft()

    async def _died_at(self, aim: Aim, seconds: float) -> bool:
        """Live until it is met; False: it was not passed in so many seconds."""
        self.visited = False
        for one in aim.lives():
            crashes = len(points_in(self._life.report)[1])
            await self._live(one, seconds)
            if len(points_in(self._life.report)[1]) == crashes:
                return False
        return True

    def _again(self, aim: Aim, tries: int) -> None:
        if tries < TRIES or not self.visited:
            self._aims.append((aim, tries + 1))
        else:
            self.missed.append(aim)

    async def _live(self, aim: Aim | None, seconds: float | None = None) -> None:
        process = multiprocessing.get_context("forkserver").Process(
            target=begin, args=(replace(self._life, aim=aim),), daemon=True
        )
        process.start()
        self._process = process
        try:
            await _ended(process, seconds)
        finally:
            process.kill()
            process.join()
        if process.exitcode != -SIGKILL:
            raise AssertionError(f"{self.name} ended with {process.exitcode}:\n{self._words()}")

    def stop(self) -> None:
        """End it for good."""
        self.stopping = True
        if self._process is not None and self._process.is_alive():
            self._process.kill()

    def _words(self) -> str:
        return "\n".join(self._life.log.read_text(errors="replace").splitlines()[-15:])


def begin(life: Life) -> None:
    """Run in the child: there everything is imported already, here nothing of it needs to be."""
    from tests.crashpoints.process import live

    live(life)


async def _ended(process: ForkServerProcess, seconds: float | None) -> None:
    """Wait for its end, or for so long."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, ended.set)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), seconds)
    finally:
        loop.remove_reader(process.sentinel)


@asynccontextmanager
async def manned(lives: Sequence[Life], aims: Sequence[Aim] = ()) -> AsyncIterator[list[Post]]:
    """Keep a post for each life meanwhile, each with the aims that begin with its name."""
    multiprocessing.set_forkserver_preload([SERVER])
    posts = [Post(life, of(life.process, aims)) for life in lives]
    async with asyncio.TaskGroup() as tasks:
        for post in posts:
            tasks.create_task(post.keep())
        try:
            yield posts
        finally:
            for post in posts:
                post.stop()
