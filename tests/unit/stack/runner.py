"""A supervisor as a process of its own: two sleepers, one of them with a child in its group.

Usage: runner.py STATE. SIGTERM stops it as `up` is stopped.
"""

import signal
import sys
from functools import partial
from pathlib import Path

import anyio

from stack.component import Component
from stack.guardlink import GuardLink
from stack.supervisor import Supervisor
from stack.workplace import Workplace


async def _ready() -> None:
    return None


async def _main(state: Path) -> None:
    nodes = [
        Component(name="first", command=("/bin/sleep", "600"), ready=_ready),
        Component(
            name="second",
            command=("/bin/sh", "-c", "sleep 601 & echo child $!; wait"),
            ready=_ready,
            after=("first",),
        ),
    ]
    guard = GuardLink(state / "logs" / "guard.log")
    (state / "guard.pid").write_text(str(guard.pid))
    supervisor = Supervisor(nodes, Workplace(state, nodes), guard, lambda *_: None)
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_sigterm, stop)
        await supervisor.run(stop, lambda: None)
        tasks.cancel_scope.cancel()
    guard.close()


async def _stop_on_sigterm(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as received:
        async for _ in received:
            stop.set()


if __name__ == "__main__":
    anyio.run(partial(_main, Path(sys.argv[1])))
