"""Turns at the identity provider, which hashes a password at a time a core: some wait, no crowd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.errors import Unavailable

AT_ONCE = 4
WAITING = 16
"""With those under way, the burst that the edge lets one address have."""

PATIENCE = 3.0
"""Seconds to wait for a turn: what is left of a call's time is enough for Keycloak then."""


class Turns:
    """`async with turns.taken():` runs `at_once` bodies, and lets `waiting` more wait for theirs.

    Raises Unavailable (REGISTRATIONS_BUSY) before the body where too many wait, and after
    `patience` seconds. Belongs to the event loop that first uses it.
    """

    def __init__(
        self, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._patience = patience

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn, and give it back however the body ends."""
        if not self._room:
            raise _busy()
        self._room -= 1
        try:
            await self._turn()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._room += 1

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise _busy() from None


def _busy() -> Unavailable:
    return Unavailable(
        "Too many registrations are under way; try again.",
        retry_after=2.0,
        reason="REGISTRATIONS_BUSY",
    )
