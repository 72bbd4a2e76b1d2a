"""What a handler is: one async function, registered by message type in a dict."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from bridge.events.event import Event, Origin


@dataclass(frozen=True, slots=True)
class Handling:
    """One event on its way through a handler."""

    event: Event
    connection: asyncpg.Connection
    """Inside the transaction that holds the inbox row: write here and nowhere else."""
    origin: Origin
    """For what the handler appends: same actor and correlation, caused by `event`."""
    attempt: int = 1
    effects: frozenset[str] | None = None
    """External effects that may be enqueued; None: all, as always but in a replay."""


Handler = Callable[[Handling], Awaitable[None]]
"""Handles one event; an error rolls everything back, and the event comes again."""

BatchHandler = Callable[[Sequence[Handling]], Awaitable[None]]
"""Handles events of one transaction in order, all of them or none: for projections, which write
many events with one statement."""

Middleware = Callable[[Handler], Handler]
"""Wraps a handler; the first of a list is the outermost."""


def compose(middlewares: Sequence[Middleware], handler: Handler) -> Handler:
    """Wrap `handler`; the first middleware is the outermost."""
    for middleware in reversed(middlewares):
        handler = middleware(handler)
    return handler
