"""Settles what a crash left between Keycloak and us, in the worker."""

import asyncio
import contextlib
from typing import Generic, Protocol, TypeVar

from bridge import logs
from bridge.errors import CausewayError
from bridge.outages import DRIVER

INTERVAL = 5.0
BATCH = 20
"""At most so many in one look; after a full one comes the next at once."""

LIMIT = 13.0
"""Seconds for one leftover: two calls of Keycloak's, and done before the lease of 15 s lapses."""


class Leased(Protocol):
    """An intent, or a change: anything with an id."""

    @property
    def id(self) -> str: ...  # noqa: D102


Work = TypeVar("Work", bound=Leased)
Settled = TypeVar("Settled", bound=Leased, contravariant=True)


class Leftovers(Protocol[Work]):
    """What was left, in our database."""

    async def due(self, limit: int) -> list[Work]: ...  # noqa: D102


class Settles(Protocol[Settled]):
    """What carries it out, or clears it up."""

    async def settle(self, left: Settled, /) -> None: ...  # noqa: D102


class Sweeper(Generic[Work]):
    """Looks every `interval` seconds. Any number may run: what is left is leased to one of them."""

    def __init__(
        self,
        leftovers: Leftovers[Work],
        work: Settles[Work],
        interval: float = INTERVAL,
        batch: int = BATCH,
    ) -> None:
        self._leftovers = leftovers
        self._work = work
        self._interval = interval
        self._batch = batch

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop` is set. An outage is waited for."""
        while not stop.is_set():
            try:
                # One that fails is a reason to pause: Keycloak may be away, or have enough to do.
                if await self.sweep() == self._batch:
                    continue
            except DRIVER as error:
                logs.warning("users.sweep_failed", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def sweep(self) -> int:
        """Settle what is due now; how many were settled. One that fails comes again later."""
        settled = 0
        for _ in range(self._batch):
            # Leased one by one: with a lease that lapses in a queue, a request could take the
            # work, and we would give up what it has just made.
            due = await self._leftovers.due(1)
            if not due:
                break
            settled += await self._settle(due[0])
        return settled

    async def _settle(self, left: Work) -> bool:
        try:
            async with asyncio.timeout(LIMIT):
                await self._work.settle(left)
        except (CausewayError, TimeoutError) as error:
            reason = error.reason if isinstance(error, CausewayError) else "TIMEOUT"
            logs.warning("users.unsettled", what=type(left).__name__, id=left.id, reason=reason)
            return False
        return True
