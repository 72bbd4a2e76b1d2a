"""The middlewares that every group has unless it is given others."""

from collections.abc import Sequence

from bridge.handling import Middleware
from bridge.middleware.timeout import timeout
from bridge.middleware.trace import trace

HANDLER_SECONDS = 30.0


def standard(group: str) -> Sequence[Middleware]:
    """A trace span, and 30 s for each handler."""
    return (trace(group), timeout(HANDLER_SECONDS))
