"""A handler that takes too long fails; its transaction rolls back and the event comes again."""

import asyncio

from bridge.errors import DeadlineExceeded
from bridge.handling import Handler, Handling, Middleware


def timeout(seconds: float) -> Middleware:
    """End handlers that take longer than `seconds` with DeadlineExceeded, which is retriable."""
    watches: dict[asyncio.Task[object], Watch] = {}

    def wrap(handler: Handler) -> Handler:
        async def timed(handling: Handling) -> None:
            watch = _watch_of_this_task(watches, seconds)
            late = False
            watch.begin()
            try:
                await handler(handling)
            except asyncio.CancelledError:
                late = watch.end()
                if not late:
                    raise
            finally:
                late = watch.end() or late
            if late:
                raise DeadlineExceeded(f"the handler took longer than {seconds:g} s")

        return timed

    return wrap


def _watch_of_this_task(watches: dict["asyncio.Task[object]", "Watch"], seconds: float) -> "Watch":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a handler runs in a task")
    watch = watches.get(task)
    if watch is None:
        watch = watches[task] = Watch(task, seconds, watches)
    return watch


class Watch:
    """The time limit of what one task does, again and again.

    `asyncio.timeout` arms and disarms a timer each time, a fifth of what an event costs in all.
    This leaves the timer running from one handler to the next, and looks when it fires whether
    the present one is late.
    """

    def __init__(
        self,
        task: "asyncio.Task[object]",
        seconds: float,
        watches: dict["asyncio.Task[object]", "Watch"],
    ) -> None:
        """`watches` is where it stands while its timer runs."""
        self._task = task
        self._seconds = seconds
        self._watches = watches
        self._loop = task.get_loop()
        self._deadline: float | None = None
        self._cancelling = 0
        self._late = False
        self._loop.call_later(seconds, self._look)

    def begin(self) -> None:
        """Count from now."""
        self._deadline = self._loop.time() + self._seconds
        self._cancelling = self._task.cancelling()

    def end(self) -> bool:
        """Count no more. True if this has cancelled the task, which it takes back, and nobody
        else has: theirs, a drain's, must go on its way."""
        self._deadline = None
        if not self._late:
            return False
        self._late = False
        return self._task.uncancel() <= self._cancelling

    def _look(self) -> None:
        left = self._seconds
        if self._deadline is None:
            del self._watches[self._task]
            return
        if self._deadline > self._loop.time():
            left = self._deadline - self._loop.time()
        else:
            self._deadline = None
            self._late = self._task.cancel()
        self._loop.call_later(left, self._look)
