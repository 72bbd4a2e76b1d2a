"""How a consumer's sessions end: now and then is life, again and again is a fault."""

import time
from collections.abc import Callable

MANY = 5
STEADY = 10.0
"""Seconds without an interruption, after which those before do not count: longer than from one to
the next where a partition can't be read (to join takes most of it), and shorter than the grace of
readiness, which a broker that was away for a moment must not use up."""


class Interruptions:
    """Counts those that followed one another closely.

    Records that come in between prove nothing: they may be of other partitions.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._last = 0.0

    def note(self) -> None:
        """Count one that happens now."""
        self._count = 1 if self._over() else self._count + 1
        self._last = self._clock()

    @property
    def many(self) -> bool:
        """Whether there have been too many to call it working."""
        return self._count >= MANY and not self._over()

    def _over(self) -> bool:
        return self._clock() - self._last > STEADY
