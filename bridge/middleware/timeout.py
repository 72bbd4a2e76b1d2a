"""A handler that takes too long fails; its transaction rolls back and the event comes again."""

import asyncio

from bridge.errors import DeadlineExceeded
from bridge.handling import Handler, Handling, Middleware


def timeout(seconds: float) -> Middleware:
    """End handlers that take longer than `seconds` with DeadlineExceeded, which is retriable."""

    def wrap(handler: Handler) -> Handler:
        async def timed(handling: Handling) -> None:
            try:
                async with asyncio.timeout(seconds):
                    await handler(handling)
            except TimeoutError as error:
                raise DeadlineExceeded(f"the handler took longer than {seconds:g} s") from error

        return timed

    return wrap
