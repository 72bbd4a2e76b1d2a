"""What was read of a stream and is not stored yet: bounded in events and bytes."""

import asyncio

from bridge.store.offer import Offer

MOST = 512
"""Events that wait; as many again are being stored."""
MOST_BYTES = 1024 * 1024

Entry = tuple[int, Offer]
"""A sequence, and what came with it."""


class Inflow:
    """Between one reader and one writer. `error`: why the reader ended, if not by itself."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._entries: list[Entry] = []
        self._bytes = 0
        self._closed = False
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self.error: Exception | None = None

    async def put(self, sequence: int, offer: Offer) -> None:
        """Add one event; waits until there is room for the next."""
        self._entries.append((sequence, offer))
        self._bytes += len(offer.data)
        self._some.set()
        if len(self._entries) >= self._most or self._bytes >= self._most_bytes:
            self._room.clear()
            await self._room.wait()

    def close(self, error: Exception | None = None) -> None:
        """Say that nothing more comes."""
        self.error, self._closed = error, True
        self._some.set()

    async def take(self) -> list[Entry]:
        """Take all that waits, and wait for the first; empty: the reader ended, and why is told."""
        await self._some.wait()
        taken, self._entries, self._bytes = self._entries, [], 0
        if not self._closed:
            self._some.clear()
        self._room.set()
        return taken
