"""A handler that takes too long fails; its transaction rolls back and the event comes again."""

import asyncio

from bridge.errors import DeadlineExceeded
from bridge.handling import Handler, Handling, Middleware
from bridge.watchdog import Watchdog


def timeout(seconds: float) -> Middleware:
    """End handlers that take longer than `seconds` with DeadlineExceeded, which is retriable.

    Also one that swallows its cancellation: its time was up all the same.
    """
    watchdog = Watchdog(seconds)

    def wrap(handler: Handler) -> Handler:
        async def timed(handling: Handling) -> None:
            watch = watchdog.begin()
            try:
                await handler(handling)
            except asyncio.CancelledError:
                if not watchdog.cut(watch):
                    raise
            finally:
                late = watchdog.cut(watch)
                watchdog.end(watch)
            if late:
                raise DeadlineExceeded(f"the handler took longer than {seconds:g} s")

        return timed

    return wrap
