"""Ctrl-C and `kill` for `up`: the first stops, the second hurries."""

import signal
from collections.abc import Callable
from contextlib import suppress

import anyio

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def obey(
    stop: anyio.Event,
    hurry: Callable[[], None],
    say: Callable[[str], None],
    task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Set `stop` at the first signal and call `hurry` at each further one; until cancelled."""
    with anyio.open_signal_receiver(*_STOPPING) as received:
        task_status.started()
        async for _ in received:
            if stop.is_set():
                hurry()
                words = "killing what still runs"
            else:
                stop.set()
                words = "stopping everything (once more: at once)"
            # The terminal may be what went away; that must not cost the stop.
            with suppress(OSError):
                say(words)
