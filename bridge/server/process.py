"""Runs one process: logs, telemetry, the event loop, and an exit code that means something."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module

import uvloop

from bridge import logs, metrics, telemetry

PROCESSES = ("api", "worker")
GARBAGE = 10_000
"""New containers, less those that are gone, until the collector looks for cycles: a call makes
hundreds and no cycle, and at Python's own 700 it looked at every other call."""


def main(package: str, arguments: Sequence[str], name: str = "") -> int:
    """Run the one process of a service that the command line names: `api` or `worker`.

    `name` is the service's in logs and traces; empty: the last part of `package`.

    Each is a function of `<package>.bootstrap`, which is imported only once it is known that it
    runs. 0 told to stop, 1 failed, 2 usage.
    """
    if len(arguments) != 1 or arguments[0] not in PROCESSES:
        sys.stderr.write(f"usage: python -m {package} {'|'.join(PROCESSES)}\n")
        return 2
    (process,) = arguments
    bootstrap = import_module(f"{package}.bootstrap")
    name = name or package.rpartition(".")[2]
    return run(f"{name}-{process}", getattr(bootstrap, process))


def run(name: str, main: Callable[[], Awaitable[None]]) -> int:
    """Run `main` to its end; returns the exit code: 0 told to stop, 1 failed (and logged)."""
    logs.configure(name)
    ends = (telemetry.start(name), metrics.start(name))
    # What start-up made lives as long as the process: the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(awaited(main))
    except KeyboardInterrupt:
        return 0
    except Exception as error:
        logs.error("process.failed", error)
        return 1
    finally:
        for end in ends:
            end()
    return 0


async def awaited(main: Callable[[], Awaitable[None]]) -> None:
    """Turn an awaitable into the coroutine that a runner wants."""
    await main()
