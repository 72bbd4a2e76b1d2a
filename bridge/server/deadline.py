"""Limits the time of a call: a unary one by its method, a stream by its caller's token."""

import asyncio
import time

from bridge.errors import CausewayError, DeadlineExceeded
from bridge.server.auth import expired
from bridge.server.call import Call, Handler
from bridge.watchdog import Watchdog


class TimeLimit:
    """Cancels the handler when the time is up. One of a process: its calls share their timers."""

    def __init__(self) -> None:
        self._watchdogs: dict[float, Watchdog] = {}

    async def step(self, call: Call, proceed: Handler) -> bytes | None:
        """End a call that takes too long.

        A stream ends with UNAUTHENTICATED when its token does (`exp`, without the skew that a new
        call is granted); otherwise DEADLINE_EXCEEDED. A caller's own, shorter deadline is kept by
        gRPC.
        """
        if call.method.streaming:
            return await _limited_stream(call, proceed)
        seconds = call.method.timeout
        if seconds is None:
            return await proceed(call)
        watchdog = self._watchdogs.get(seconds)
        if watchdog is None:
            watchdog = self._watchdogs[seconds] = Watchdog(seconds)
        watch = watchdog.begin()
        try:
            return await proceed(call)
        except asyncio.CancelledError:
            if watchdog.cut(watch):
                raise late() from None
            raise
        finally:
            watchdog.end(watch)


def late() -> DeadlineExceeded:
    """Say that the time was up."""
    return DeadlineExceeded("the call took too long")


async def _limited_stream(call: Call, proceed: Handler) -> bytes | None:
    seconds, error = limit_of(call)
    if seconds is None:
        return await proceed(call)
    scope = asyncio.timeout(max(seconds, 0.0))
    try:
        async with scope:
            return await proceed(call)
    except TimeoutError:
        if scope.expired():
            raise error from None
        raise


def limit_of(call: Call) -> tuple[float | None, CausewayError]:
    """Return the seconds that the stream may take (None: any), and what it ends with."""
    limit = call.method.timeout
    if not call.caller.expires:
        return limit, late()
    life = call.caller.expires - time.time()
    if limit is not None and limit < life:
        return limit, late()
    return life, expired()
