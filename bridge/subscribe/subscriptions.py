"""SubscribeEvents: from a request to its answers. Nothing is kept of who has read what."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from bridge.errors import Undecodable
from bridge.events.catalog import Catalog
from bridge.server.identity import current_call
from bridge.subscribe.log import Log
from bridge.subscribe.pages import Pages
from bridge.subscribe.readers import Readers
from bridge.subscribe.start import Start
from bridge.subscribe.subscriber import Subscriber
from bridge.subscribe.tail import Tail
from bridge.subscribe.tokens import Place, ResumeTokens, binding_of
from bridge.subscribe.wanted import wanted_of
from bridge.subscribe.window import MOST_BYTES, Window
from causeway.bridge.v1 import event_service_pb2 as pb

Answers = AsyncGenerator[pb.SubscribeEventsResponse, None]


class Subscriptions:
    """All subscriptions of a process; `run` is the background task that reads for them."""

    def __init__(
        self,
        log: Log,
        catalog: Catalog,
        secret: str,
        beat: float,
        window_bytes: int = MOST_BYTES,
    ) -> None:
        """`beat`: seconds of silence until a reader is told how far it has come."""
        self._catalog = catalog
        self._beat = beat
        self._window = Window(window_bytes)
        self._tail = Tail(log, catalog, self._window)
        self._readers = Readers(log)
        self._pages = Pages(self._readers, catalog)
        self._tokens = ResumeTokens(secret)
        self._start = Start(self._window, self._readers, self._tokens)

    async def run(self, stop: asyncio.Event) -> None:
        """Read the log for the subscribers until `stop`."""
        try:
            await self._tail.run(stop)
        finally:
            await self._readers.close()

    async def answers(self, request: pb.SubscribeEventsRequest) -> Answers:
        """Answer the present call: first where it begins, then events and signs of life.

        A record that no event can be made of ends the stream with DATA_LOSS, after an answer whose
        token goes on behind it: nothing is passed over in silence, and nobody is held up for ever.
        """
        call = current_call()
        wanted = wanted_of(request, self._catalog, call)
        binding = binding_of(call.caller.subject, request)
        with self._tail.following(wanted.topics):
            partitions = await self._tail.partitions(wanted.topics)
            place = await self._start.place(request, binding, partitions)
            subscriber = Subscriber(replace(wanted, since=place.since), dict(place.at))
            with self._tail.feeding(subscriber):
                yield self._heartbeat(subscriber, binding)
                async with aclosing(self._answers(subscriber, binding)) as answers:
                    async for answer in answers:
                        yield answer

    async def _answers(self, subscriber: Subscriber, binding: bytes) -> Answers:
        records = subscriber.records(self._window, self._pages, self._beat)
        async with aclosing(records):
            async for one in records:
                if one is None:
                    yield self._heartbeat(subscriber, binding)
                    continue
                try:
                    event = one.event()
                except Undecodable:
                    yield self._heartbeat(subscriber, binding)
                    raise
                token = self._token(subscriber, binding)
                yield pb.SubscribeEventsResponse(event=event, resume_token=token)

    def _heartbeat(self, subscriber: Subscriber, binding: bytes) -> pb.SubscribeEventsResponse:
        token = self._token(subscriber, binding)
        return pb.SubscribeEventsResponse(heartbeat=Empty(), resume_token=token)

    def _token(self, subscriber: Subscriber, binding: bytes) -> str:
        return self._tokens.seal(binding, Place(subscriber.at, subscriber.wanted.since))
