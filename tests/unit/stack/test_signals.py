"""Signals to `up` take effect whatever became of its terminal."""

import os
import signal

import anyio

from stack.signals import obey


async def test_a_closed_terminal_keeps_neither_the_stop_nor_the_hurry() -> None:
    stop, hurried = anyio.Event(), anyio.Event()

    def say(_: str) -> None:
        raise BrokenPipeError

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            await tasks.start(obey, stop, hurried.set, say)
            os.kill(os.getpid(), signal.SIGHUP)
            await stop.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await hurried.wait()
            tasks.cancel_scope.cancel()
