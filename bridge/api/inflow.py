"""What was read of a stream and is not stored yet: bounded in events and bytes."""

import asyncio
from collections.abc import Callable

from bridge.store.offer import Offer
from causeway.bridge.v1 import event_service_pb2 as pb

MOST = 512
"""Events that wait; as many again are being stored."""
MOST_BYTES = 1024 * 1024

Entry = tuple[int, Offer]
"""A sequence, and what came with it."""
Check = Callable[[pb.PublishEventsRequest], Entry]


class Inflow:
    """Between one reader and one writer. `error`: why nothing more comes, if it did not just end.

    What arrives is checked in the event loop's next turn: by then its reader has asked for the next
    message, which gRPC fetches in a thread of its own meanwhile.
    """

    def __init__(self, check: Check, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        """`check` makes an entry of what arrived; what it raises ends the stream."""
        self._check = check
        self._most, self._most_bytes = most, most_bytes
        self._arrived: list[pb.PublishEventsRequest] = []
        self._entries: list[Entry] = []
        self._bytes = 0
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._soon = asyncio.get_running_loop().call_soon
        self.closed = False
        self.error: Exception | None = None

    async def put(self, request: pb.PublishEventsRequest) -> None:
        """Add one message; waits until there is room for the next."""
        if not self._arrived:
            self._soon(self.check)
        self._arrived.append(request)
        self._bytes += request.ByteSize()
        waiting = len(self._arrived) + len(self._entries)
        if waiting >= self._most or self._bytes >= self._most_bytes:
            self._room.clear()
            await self._room.wait()

    def check(self) -> None:
        """Check what arrived, now. Nothing is taken behind what is wrong."""
        arrived, self._arrived = self._arrived, []
        if self.closed or not arrived:
            return
        try:
            for request in arrived:
                self._entries.append(self._check(request))
        except Exception as error:
            self.close(error)
        self._some.set()

    def close(self, error: Exception | None = None) -> None:
        """Say that nothing more comes, if that is not known yet. What arrived is still checked."""
        self.check()
        if not self.closed:
            self.error, self.closed = error, True
        self._some.set()

    async def take(self) -> list[Entry]:
        """Take all that waits, and wait for the first; empty: nothing more comes."""
        await self._some.wait()
        self.check()
        taken, self._entries, self._bytes = self._entries, [], 0
        if not self.closed:
            self._some.clear()
        self._room.set()
        return taken
