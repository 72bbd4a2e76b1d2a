"""A bounded number of things that run side by side: one that hangs takes its place alone."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class Places:
    """Left when all that was begun has ended; who is cancelled inside cancels it."""

    def __init__(self, count: int, ended: asyncio.Event) -> None:
        """`ended` is set whenever a place gets free."""
        self._count = count
        self._ended = ended
        self._taken = set[asyncio.Task[None]]()

    async def __aenter__(self) -> "Places":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if kind is asyncio.CancelledError:
            for task in self._taken:
                task.cancel()
        await asyncio.gather(*self._taken, return_exceptions=True)

    def free(self) -> int:
        """How many may begin. Raises an error of those that have ended since."""
        done = {task for task in self._taken if task.done()}
        self._taken -= done
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error
        return self._count - len(self._taken)

    def take(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin in a free place."""
        task = asyncio.create_task(work)
        self._taken.add(task)
        task.add_done_callback(lambda _: self._ended.set())
