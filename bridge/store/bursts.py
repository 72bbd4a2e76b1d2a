"""What many callers want at the same moment, done in one go.

Done for one caller alone, between two of gRPC's steps, work finds nothing of itself in the CPU's
caches and takes three times as long (docs/decisions/0034 and 0035).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from bridge.store.alike import alike

STEP, STEPS = 0.001, 5
"""Seconds that a group waits for more, and how often it does so at most, while more do come."""
TURN = 0.02
"""Seconds that a group may take to be formed, before others of the process have a turn."""

Result = TypeVar("Result")
Given = TypeVar("Given")


class Job(Generic[Result]):
    """What one caller waits for. Who is cancelled waits no more."""

    __slots__ = ("outcome",)

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    @property
    def waits(self) -> bool:
        """Whether its caller has no answer yet, and is still there."""
        return not self.outcome.done()

    def tried(self, act: Callable[[], Given]) -> Given | None:
        """What `act` gives; None: nobody waits, or is told now what is wrong, and he alone."""
        if self.waits:
            try:
                return act()
            except Exception as error:
                self.outcome.set_exception(error)
        return None

    def answer(self, result: Result) -> None:
        """Give it to the caller, if he waits."""
        if self.waits:
            self.outcome.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell the caller, if he waits."""
        if self.waits:
            self.outcome.set_exception(error)


class Making(Job[Result], Generic[Result, Given]):
    """A job of which something is made when its group is formed, once, however often it waits."""

    __slots__ = ("_make", "made")

    def __init__(self, make: Callable[[], Given]) -> None:
        super().__init__()
        self._make = make
        self.made: Given | None = None

    def ready(self) -> bool:
        """Make it, unless that is done; False: nobody waits, or is told now what is wrong."""
        if self.made is None:
            self.made = self.tried(self._make)
        return self.waits


AnyMaking = TypeVar("AnyMaking", bound=Making)  # type: ignore[type-arg]  # its maker's


def ready(waiting: deque[AnyMaking], most: int) -> Iterator[AnyMaking]:
    """Take `most` jobs at most off the front, and give those that are ready, until a turn is over.

    Whoever stops at one leaves it where it is.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + TURN
    for _ in range(min(most, len(waiting))):
        if waiting[0].ready():
            yield waiting[0]
        waiting.popleft()
        if loop.time() > until:
            return


AnyJob = TypeVar("AnyJob", bound=Job)  # type: ignore[type-arg]  # its result is its maker's


class Bursts(Generic[AnyJob]):
    """Handles jobs group after group; those that come meanwhile are the next one."""

    def __init__(
        self,
        form: Callable[[deque[AnyJob]], Sequence[AnyJob]],
        handle: Callable[[Sequence[AnyJob]], Awaitable[None]],
        ended: Callable[[], Exception],
        steps: int = STEPS,
    ) -> None:
        """`form` takes the next group out of those that wait, an empty one where all that it
        looked at came to nothing; `handle` answers each of a group, and what it raises is told to
        all that it left; `ended` makes what is told where the process ends before. `steps` is 0
        where a group is not to wait for more."""
        self._form, self._handle, self._ended = form, handle, ended
        self._steps = steps
        self._waiting: deque[AnyJob] = deque()
        self._work: asyncio.Task[None] | None = None
        self._before = 0
        """Jobs of the group before."""

    def put(self, job: AnyJob) -> None:
        """Queue a job; its `outcome` comes."""
        self._waiting.append(job)
        if self._work is None or self._work.done():
            # A task of its own: no caller's cancellation ends the work for the others.
            self._work = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        group: Sequence[AnyJob] = ()
        try:
            while self._waiting:
                await self._gathered()
                if group := self._form(self._waiting):
                    self._before = len(group)
                    await self._handled(group)
                else:
                    await asyncio.sleep(0)  # others have a turn, however many were wrong
        finally:
            # Where this task is cancelled, as at the end of the process, some are left.
            for job in (*group, *self._waiting):
                if job.waits:
                    job.fail(self._ended())

    async def _handled(self, group: Sequence[AnyJob]) -> None:
        try:
            await self._handle(group)
        except Exception as error:
            for job in group:
                job.fail(alike(error))

    async def _gathered(self) -> None:
        """Wait for those who are on their way, where there are many.

        What is shared costs as much for two as for fifty. Who is alone, now and before, waits for
        nobody.
        """
        if max(self._before, len(self._waiting)) < 2:
            return
        for _ in range(self._steps):
            there = len(self._waiting)
            await asyncio.sleep(STEP)
            if len(self._waiting) == there:
                return
