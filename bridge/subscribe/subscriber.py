"""One reader of the log: where it is in each partition, and what it gets next."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from bridge.errors import CausewayError
from bridge.kafka.record import Partition
from bridge.subscribe.pages import Page
from bridge.subscribe.seen import Seen
from bridge.subscribe.wanted import Wanted
from bridge.subscribe.window import Window


class Behind(Protocol):
    """What is behind the window."""

    async def page(self, where: Partition, at: int) -> Page:
        """Give records of a partition from `at` on; only where there are any."""


class Subscriber:
    """Holds offsets and no records but those that it is just giving out."""

    def __init__(self, wanted: Wanted, at: dict[Partition, int]) -> None:
        self.wanted = wanted
        self.at = at
        """By partition the next offset: everything wanted before it was given out."""
        self._woken = asyncio.Event()
        self._error: CausewayError | None = None

    def offer(self, where: Partition, one: Seen, before: int) -> None:
        """Hear of a record that was added to the window, whose `next` was `before` until then."""
        if self.wanted.wants(one):
            self._woken.set()
        elif where in self.at and before <= self.at[where] <= one.offset:
            # It has everything before, and nothing to do for this one.
            self.at[where] = one.offset + 1

    def fail(self, error: CausewayError) -> None:
        """End with an error, after what is just being given out."""
        self._error = self._error or error
        self._woken.set()

    async def records(
        self, window: Window, pages: Behind, beat: float
    ) -> AsyncGenerator[Seen | None, None]:
        """Give what is wanted, in order per partition; None when `beat` seconds gave nothing.

        Before each, `at` is already behind it. What is behind the window is read in pages: both
        are asked for what comes at `at` and after, so where they meet nothing is lost or repeated.
        """
        now = asyncio.get_running_loop().time
        said = now()
        while True:
            self._woken.clear()
            behind = [where for where, at in self.at.items() if at < window.next(where)]
            for where in behind:
                some, after = await _read(window, pages, where, self.at[where])
                for one in some:
                    self.at[where] = one.offset + 1
                    if self.wanted.wants(one):
                        yield one
                        said = now()
                self.at[where] = max(self.at[where], after)
                self._check()
            if not behind:
                await self._wait(said + beat - now())
            if now() >= said + beat:
                yield None
                said = now()

    async def _wait(self, seconds: float) -> None:
        self._check()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await self._woken.wait()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


async def _read(
    window: Window, pages: Behind, where: Partition, at: int
) -> tuple[Sequence[Seen], int]:
    return window.after(where, at) or await pages.page(where, at)
