"""What was read of a stream and is not stored yet: bounded in events and bytes."""

import asyncio

MOST = 512
"""Events that wait; as many again are being stored."""
MOST_BYTES = 1024 * 1024


class Inflow:
    """Between one reader and one writer. `error`: why the reader ended, if not by itself."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._arrived: list[bytes] = []
        self._bytes = 0
        self._closed = False
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None

    async def put(self, message: bytes) -> None:
        """Add one message; waits until there is room for the next."""
        self._arrived.append(message)
        self._bytes += len(message)
        self._some.set()
        if len(self._arrived) >= self._most or self._bytes >= self._most_bytes:
            self._room.clear()
            await self._room.wait()

    def close(self, error: Exception | None = None) -> None:
        """Say that nothing more comes."""
        self.error, self._closed = error, True
        self._some.set()

    async def take(self) -> list[bytes]:
        """Take all that waits, and wait for the first; empty: the reader ended, and why is told."""
        await self._some.wait()
        taken, self._arrived, self._bytes = self._arrived, [], 0
        if not self._closed:
            self._some.clear()
        self._room.set()
        return taken
