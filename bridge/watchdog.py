"""One timer for all work with one limit: it is late in the order in which it began.

`asyncio.timeout` makes and cancels a timer each time: as much as the rest of what the kit does for
a call, and a fifth of what an event costs in all.
"""

import asyncio
from typing import TypeAlias

Watched: TypeAlias = "asyncio.Task[object]"


class Watchdog:
    """Cancels each task that is still watched after `seconds`. It watches one thing a task does at
    a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 0.0)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[Watched, tuple[float, int]] = {}
        """Until when, and how often somebody had asked the task to end before."""
        self._late: dict[Watched, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Watched:
        """Watch the present task until `end`."""
        task = asyncio.current_task()
        assert task is not None, "what is watched runs in a task"  # noqa: S101
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        self._watched[task] = (until, task.cancelling())
        if self._timer is None:
            self._timer = loop.call_at(until, self._bark)
        return task

    def cut(self, task: Watched) -> bool:
        """Whether it was late and nobody else has cancelled the task; ask before `end`."""
        return task in self._late and task.cancelling() - 1 <= self._late[task]

    def end(self, task: Watched) -> None:
        """Watch it no longer. The timer stays: the work after it needs one too."""
        if self._watched.pop(task, None) is None:
            del self._late[task]
            task.uncancel()

    def _bark(self) -> None:
        """Cancel whose time is up, and wait for the next one's."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, (until, cancelling) in list(self._watched.items()):
            if until > now:
                self._timer = loop.call_at(until, self._bark)
                return
            del self._watched[task]
            self._late[task] = cancelling
            task.cancel()
