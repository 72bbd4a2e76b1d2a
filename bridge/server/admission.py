"""Bounds what is open at once, so that no caller can take a process away from the others.

The kit counts, and not gRPC's `maximum_concurrent_rpcs`: that one refuses the health check too,
and a balancer takes a process that is only busy for one that is ill.
"""

from collections import Counter

from bridge.errors import ResourceExhausted
from bridge.server.call import Call, Handler
from bridge.server.methods import HEALTH
from bridge.server.settings import ServerSettings

CHECK = f"/{HEALTH}/Check"


class Admission:
    """Counts the open calls of a process; one too many is RESOURCE_EXHAUSTED at once.

    `max_concurrent_calls` bounds all calls but health checks, `max_open_streams` the streams among
    them, and `max_streams_per_subject` those of one subject.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._max_calls = settings.max_concurrent_calls
        self._max_streams = settings.max_open_streams
        self._max_each = settings.max_streams_per_subject
        self._calls = self._streams = 0
        self._of_subject: Counter[str] = Counter()

    async def process_step(self, call: Call, proceed: Handler) -> bytes | None:
        """Bound the calls of the process, before their tokens are looked at."""
        if call.method.path == CHECK:
            return await proceed(call)
        streaming = call.method.streaming
        self._count(streaming)
        try:
            return await proceed(call)
        finally:
            self._calls -= 1
            self._streams -= streaming

    async def subject_step(self, call: Call, proceed: Handler) -> bytes | None:
        """Bound the open streams of one subject; a step of streams alone. Callers without a token
        share none."""
        subject = call.caller.subject
        if not subject:
            return await proceed(call)
        if self._of_subject[subject] >= self._max_each:
            raise too_many_streams(self._max_each)
        self._of_subject[subject] += 1
        try:
            return await proceed(call)
        finally:
            self._of_subject[subject] -= 1
            if not self._of_subject[subject]:
                del self._of_subject[subject]

    def _count(self, streaming: bool) -> None:
        if self._calls >= self._max_calls or (streaming and self._streams >= self._max_streams):
            raise ResourceExhausted(
                "this process has as many open calls as it takes; try again",
                reason="TOO_MANY_CALLS",
            )
        self._calls += 1
        self._streams += streaming


def too_many_streams(most: int) -> ResourceExhausted:
    """Tell a subject that it has as many open streams as one may."""
    return ResourceExhausted(
        f"a caller may have {most} open streams here; close one first",
        reason="TOO_MANY_STREAMS",
        metadata={"limit": str(most)},
    )
