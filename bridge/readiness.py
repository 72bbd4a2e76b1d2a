"""Readiness of what works in the background: it may be interrupted for a moment, not for long."""

import time
from collections.abc import Callable, Sequence

from bridge.consumer.consumer import Consumer
from bridge.errors import Unavailable
from bridge.relay.relay import Relay
from bridge.server.health import Probe

GRACE = 15.0
"""Seconds: longer than a rebalance, and than it takes to join a group at the start."""


def mostly(
    holds: Callable[[], bool], grace: float = GRACE, clock: Callable[[], float] = time.monotonic
) -> Probe:
    """Make a readiness probe that fails once `holds` was false for more than `grace` seconds.

    It counts from now: a process that has just begun is ready while it connects.
    """
    held = clock()

    async def probe() -> None:
        nonlocal held
        if holds():
            held = clock()
        elif clock() - held > grace:
            raise Unavailable(f"not working for more than {grace:g} s")

    return probe


def working(relay: Relay, consumers: Sequence[Consumer]) -> dict[str, Probe]:
    """The probes of a worker: its relay, and that each consumer takes part in its group and reads.

    What is parked is no matter here: it may need a person, and other keys go on.
    """
    return {
        "relay": mostly(lambda: relay.active or relay.standing_by),
        "consumers": mostly(
            lambda: all(consumer.assigned and not consumer.failing for consumer in consumers)
        ),
    }
