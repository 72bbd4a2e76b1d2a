"""Asks a component whether it is ready, within a limit, whatever its client library does."""

import asyncio

from stack.component import Component


async def complaint(component: Component, limit: float) -> str:
    """Why the component is not ready; empty when it is. `limit` in seconds.

    The probe runs in a task of its own: grpc.aio drops the message of a CancelledError, by which
    anyio knows its own, so a time limit around a call would end the asking task without a word
    (https://github.com/grpc/grpc/issues/43502).
    """
    probe = asyncio.ensure_future(component.ready())
    probe.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait((probe,), timeout=limit)
        if not probe.done():
            return f"no answer within {limit:g} s"
        if probe.cancelled():
            return "the question was cut short"
        error = probe.exception()
        return "" if error is None else str(error) or type(error).__name__
    finally:
        probe.cancel()
