"""Waiting that ends early."""

import asyncio


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


def backoff(attempt: int, first: float, most: float) -> float:
    """Give the pause after try `attempt` (1, 2, …) in seconds: doubled each time, capped."""
    return float(min(most, first * 2 ** min(attempt - 1, 30)))
