"""One timer for all work with one limit: it is late in the order in which it began.

`asyncio.timeout` makes and cancels a timer each time: as much as the rest of what the kit does for
a call, and a fifth of what an event costs in all.
"""

import asyncio


class Watch:
    """The time of one piece of a task's work."""

    __slots__ = ("cancelling", "cut", "task", "until")

    def __init__(self, task: "asyncio.Task[object]", until: float) -> None:
        self.task, self.until = task, until
        self.cancelling = task.cancelling()
        self.cut = False


class Watchdog:
    """Cancels each task that is still watched after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 0.0)
        self._watches: dict[Watch, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Watch:
        """Watch the present task until `end`."""
        task = asyncio.current_task()
        assert task is not None, "what is watched runs in a task"  # noqa: S101
        loop = asyncio.get_running_loop()
        watch = Watch(task, loop.time() + self._seconds)
        self._watches[watch] = None
        if self._timer is None:
            self._timer = loop.call_at(watch.until, self._bark)
        return watch

    def cut(self, watch: Watch) -> bool:
        """Whether it was late and nobody else has cancelled the task; ask before `end`."""
        return watch.cut and watch.task.cancelling() - 1 <= watch.cancelling

    def end(self, watch: Watch) -> None:
        """Watch it no longer. The timer stays: the work after it needs one too."""
        self._watches.pop(watch, None)
        if watch.cut:
            watch.task.uncancel()

    def _bark(self) -> None:
        """Cancel whose time is up, and wait for the next one's."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for watch in list(self._watches):
            if watch.until > now:
                self._timer = loop.call_at(watch.until, self._bark)
                return
            del self._watches[watch]
            watch.cut = True
            watch.task.cancel()
