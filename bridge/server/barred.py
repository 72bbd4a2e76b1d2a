"""Subjects whose tokens count no more, though they are signed and in time."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

from bridge.errors import Unauthenticated
from bridge.server.call import Call, Handler


def deactivated() -> Unauthenticated:
    """Say that the token is in order and its holder is not."""
    return Unauthenticated("this account is deactivated", reason="USER_DEACTIVATED")


class Barred:
    """Remembers each subject for `seconds`: the longest that a token may count which it has got.

    Calls that have begun end as they would; streams, which would not, are ended.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[str, float] = {}
        self._open: defaultdict[str, set[asyncio.Timeout]] = defaultdict(set)

    def bar(self, subject: str) -> None:
        """Refuse the subject from now on, and end its streams."""
        now = self._clock()
        self._forget(now)
        # Taken out first: those that are over sooner stand in front.
        self._until.pop(subject, None)
        self._until[subject] = now + self._seconds
        for scope in self._open.get(subject, ()):
            scope.reschedule(asyncio.get_running_loop().time())

    def bars(self, subject: str) -> bool:
        """Whether the subject is refused."""
        return self._until.get(subject, 0.0) > self._clock()

    async def step(self, call: Call, proceed: Handler) -> bytes | None:
        """Refuse a subject that is barred, and cut its stream when it comes to be."""
        subject = call.caller.subject
        if self.bars(subject):
            raise deactivated()
        if not subject or not call.method.streaming:
            return await proceed(call)
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._open[subject].add(scope)
                return await proceed(call)
        except TimeoutError:
            if scope.expired():
                raise deactivated() from None
            raise
        finally:
            self._closed(subject, scope)

    def _closed(self, subject: str, scope: asyncio.Timeout) -> None:
        self._open[subject].discard(scope)
        if not self._open[subject]:
            del self._open[subject]

    def _forget(self, now: float) -> None:
        """Drop those that no token is left of."""
        for subject, until in list(self._until.items()):
            if until > now:
                break
            del self._until[subject]
