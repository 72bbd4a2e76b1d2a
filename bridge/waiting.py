"""Waiting that ends early."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def wait_any(seconds: float | None, *events: asyncio.Event) -> None:
    """Wait until one of `events` is set, or `seconds` are over; None: however long it takes."""
    if any(event.is_set() for event in events):
        return
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def watching(work: Coroutine[Any, Any, None], beside: asyncio.Task[None]) -> None:
    """Do `work`; if `beside` fails meanwhile, cancel it and raise that."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task, beside), return_when=asyncio.FIRST_COMPLETED)
        if beside.done():
            beside.result()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def backoff(attempt: int, first: float, most: float) -> float:
    """Give the pause after try `attempt` (1, 2, …) in seconds: doubled each time, capped."""
    return float(min(most, first * 2 ** min(attempt - 1, 30)))
