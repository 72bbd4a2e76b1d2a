"""Ends streams when the process is about to: they would not end by themselves."""

import asyncio

from bridge.errors import Unavailable
from bridge.server.call import Call, Handler


def going_away() -> Unavailable:
    """Tell a stream's caller to open it again, elsewhere."""
    return Unavailable("this replica is going away", reason="DRAINING", retry_after=0.1)


class Drain:
    """Knows the open streams; `begin` ends them with UNAVAILABLE and lets no new one in.

    Unary calls are left alone: they end soon, and the server waits for them.
    """

    def __init__(self) -> None:
        self._draining = False
        self._open: set[asyncio.Timeout] = set()

    async def step(self, call: Call, proceed: Handler) -> bytes | None:
        """Track a stream while it is open; a step of streams alone."""
        if self._draining:
            raise going_away()
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._open.add(scope)
                return await proceed(call)
        except TimeoutError:
            if scope.expired():
                raise going_away() from None
            raise
        finally:
            self._open.discard(scope)

    def begin(self) -> int:
        """Tell all open streams to go away; returns how many there were."""
        self._draining = True
        now = asyncio.get_running_loop().time()
        for scope in self._open:
            scope.reschedule(now)
        return len(self._open)
