"""A subscriber as a client is: one stream, what it said, and where to resume."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub

PATIENCE = 20.0
TRIES = 5
"""Of opening a stream, as a client does where the log can't be read yet on a busy machine."""


class Reading:
    """An open stream."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.token = ""
        self.events: list[Event] = []

    async def next(self) -> pb.SubscribeEventsResponse:
        """The next answer; raises what the stream ends with."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._call.read()
        assert answer is not grpc.aio.EOF, "a subscription never ends well by itself"
        self.token = answer.resume_token or self.token
        if answer.HasField("event"):
            self.events.append(answer.event)
        return answer  # type: ignore[no-any-return]

    async def until(self, number: int) -> list[str]:
        """Read until there are so many events; their ids, in order."""
        while len(self.events) < number:
            await self.next()
        return self.ids

    async def silent(self, answers: int = 2) -> bool:
        """Whether the next answers are signs of life alone."""
        return all([not (await self.next()).HasField("event") for _ in range(answers)])

    @property
    def ids(self) -> list[str]:
        return [event.name.removeprefix("events/") for event in self.events]


@asynccontextmanager
async def reading(
    channel: grpc.aio.Channel, token: str, request: pb.SubscribeEventsRequest
) -> AsyncIterator[Reading]:
    """Subscribe; its place is known once an answer has a token."""
    for tried in range(1, TRIES + 1):
        call = EventServiceStub(channel).SubscribeEvents(
            request, metadata=(("authorization", f"Bearer {token}"),)
        )
        opened = Reading(call)
        try:
            while not opened.token:
                await opened.next()
            break
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or tried == TRIES:
                raise
        finally:
            if not opened.token:
                call.cancel()
    try:
        yield opened
    finally:
        call.cancel()
