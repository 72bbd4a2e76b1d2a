"""Limits the time of a call: a unary one by its method, a stream by its caller's token."""

import asyncio
import time

from bridge.errors import CausewayError, DeadlineExceeded
from bridge.server.auth import expired
from bridge.server.call import Call, Handler


async def limit_time(call: Call, proceed: Handler) -> bytes | None:
    """Cancel the handler when the time is up.

    A stream ends with UNAUTHENTICATED when its token does (`exp`, without the skew that a new
    call is granted); otherwise DEADLINE_EXCEEDED. A caller's own, shorter deadline is kept by gRPC.
    """
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
    """Return the seconds that the call may take (None: any), and what it ends with."""
    limit, late = call.method.timeout, DeadlineExceeded("the call took too long")
    if not call.method.streaming or not call.caller.expires:
        return limit, late
    life = call.caller.expires - time.time()
    if limit is not None and limit < life:
        return limit, late
    return life, expired()
