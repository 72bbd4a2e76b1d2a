"""Publishes events over one stream: each is stored once, whatever breaks on the way."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import grpc

from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2 import PublishEventsRequest
from client.errors import CallFailed, Unavailable
from client.streams import AWAY, Patience, listen

if TYPE_CHECKING:
    from causeway.bridge.v1.event_service_pb2_grpc import EventServiceAsyncStub

WINDOW = 1000
"""Events that may be on their way at once; who sends more waits."""
SILENCE = 20.0
"""Seconds without an acknowledgement until a stream is given up, and opened again when needed."""
HESITATION = 0.2
"""Seconds between the opening of a careful stream and its first event: a refusal comes sooner."""
PATH = "/causeway.bridge.v1.EventService/PublishEvents"
LOST = (grpc.StatusCode.INTERNAL, "Internal error from Core")
# grpc.aio puts this over the server's status when a write meets the end of the stream:
# https://github.com/grpc/grpc/issues/36066. What was written is then sent again one by one, so that
# no write is on its way when the server refuses, and its words are heard.


@asynccontextmanager
async def publishing(
    events: "EventServiceAsyncStub", *, window: int = WINDOW, silence: float = SILENCE
) -> AsyncIterator["Publisher"]:
    """A publisher whose events are all stored when the block is left well::

        async with publishing(causeway.events) as publisher:
            for event in events:
                await publisher.send(event)

    CallFailed when one is refused, or when the service stays away; `publisher.stored` then says how
    many, in the order of sending, are stored.
    """
    publisher = Publisher(events, window, silence)
    running = asyncio.create_task(publisher.run())
    try:
        yield publisher
        await publisher.flush()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Publisher:
    """Sends in order and keeps what is not acknowledged; `publishing` makes and runs it."""

    def __init__(self, events: "EventServiceAsyncStub", window: int, silence: float) -> None:
        self._events = events
        self._window = window
        self._silence = silence
        self._kept: deque[Event] = deque()
        self._changed = asyncio.Condition()
        self._failure: Exception | None = None
        self._careful = 0
        self.sent = 0
        """Events that were handed over."""
        self.stored = 0
        """Of these, how many are stored, counted from the first."""

    async def send(self, event: Event) -> str:
        """Hand one over, waiting while `window` are on their way. CallFailed of an earlier one.

        Gives the publisher's id of it, `events/{id}` as it was sent: an event without a name gets
        one, so that it is stored once however often it is sent. GetEvent takes another, the name
        in Causeway, which follows from that id and the source; PublishEvent answers with it.
        """
        own = Event()
        own.CopyFrom(event)
        own.name = event.name or f"events/{uuid.uuid4()}"
        await self._until(lambda: len(self._kept) < self._window)
        self._kept.append(own)
        self.sent += 1
        await self._tell()
        return own.name

    async def flush(self) -> None:
        """Return when all that was sent is stored; CallFailed."""
        await self._until(lambda: not self._kept)

    async def run(self) -> None:
        """Send until cancelled, or until a failure that a new stream would not mend."""
        patience = Patience()
        try:
            while True:
                if not self._kept:
                    await self._until(lambda: bool(self._kept))
                    patience.renew()
                before = self.stored
                error = await self._stream()
                if self.stored > before:
                    patience.renew()
                if self._kept:
                    await asyncio.sleep(patience.wait_after(error))
        except Exception as error:  # also LoginFailed: whoever sends is to know
            self._failure = error
        await self._tell()

    async def _stream(self) -> CallFailed:
        """One stream, from the first event that is not stored; gives how it ended."""
        base = self.stored
        call = self._events.PublishEvents(self._requests(base))
        try:
            async for answer in listen(call, self._silence, PATH):
                while self.stored < min(base + answer.up_to, self.sent):
                    self._kept.popleft()
                    self.stored += 1
                await self._tell()
        except CallFailed as error:
            self._careful = self.sent if (error.code, error.message) == LOST else 0
            return error
        return Unavailable(PATH, AWAY, "the stream ended")

    async def _requests(self, base: int) -> AsyncIterator[PublishEventsRequest]:
        """Everything behind the first `base` events, as it is handed over."""
        if base < self._careful:
            await asyncio.sleep(HESITATION)
        for sequence in count(1):
            place = base + sequence - 1
            async with self._changed:
                while place >= self.sent or self.stored < place < self._careful:
                    await self._changed.wait()
            event = self._kept[place - self.stored]
            yield PublishEventsRequest(sequence=sequence, event=event)

    async def _until(self, done: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._failure is not None or done())
        if self._failure is not None:
            raise self._failure

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
