"""A handler whose own work was cancelled fails: no cancellation but its task's own gets past it."""

import asyncio

from bridge.errors import Unavailable
from bridge.handling import Handler, Handling


def contained(handler: Handler) -> Handler:
    """Make a foreign CancelledError Unavailable, reason CANCELLED, which is retriable.

    A call or a task that the handler waited for may be cancelled by somebody else. Passed on, that
    would end the lane as if it had been told to. Goes inside of all others, so that a time limit's
    cancellation passes.
    """

    async def run(handling: Handling) -> None:
        try:
            await handler(handling)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure = Unavailable("what the handler waited for was cancelled", reason="CANCELLED")
            # The handler's place, for the digest.
            raise failure.with_traceback(error.__traceback__) from error

    return run
