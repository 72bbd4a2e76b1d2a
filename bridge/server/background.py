"""Tasks that live as long as the process: relays, consumers, senders, refreshers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bridge import logs

Background = Callable[[asyncio.Event], Awaitable[None]]


class Tasks:
    """Runs background tasks; one that fails or ends early is a reason to end the process.

    Half a process is worse than none: the supervisor starts it again, whole.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.failed = asyncio.Event()
        self.error: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, tasks: Sequence[Background]) -> None:
        """Start them all."""
        for run in tasks:
            name = getattr(run, "__qualname__", repr(run))
            task = asyncio.create_task(self._guard(run, name), name=name)
            self._tasks.append(task)

    async def _guard(self, run: Background, name: str) -> None:
        try:
            await run(self.stop)
        except Exception as error:
            logs.error("background.failed", error, task=name)
            self._fail(error)
        else:
            if not self.stop.is_set():
                logs.error("background.ended", task=name)
                self._fail(RuntimeError(f"{name} ended before it was told to"))

    def _fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.failed.set()

    async def finish(self, grace: float) -> None:
        """Tell all to stop, wait `grace` seconds, and cancel who is left."""
        self.stop.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace)
        for task in late:
            logs.warning("background.cancelled", task=task.get_name())
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
