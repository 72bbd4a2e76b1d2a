"""`causeway.bridge.v1.EventService`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import asyncpg
import grpc.aio

from bridge.api import event_table
from bridge.api.event_table import Wanted
from bridge.api.listing import Part, Row, listed
from bridge.api.lookup import find_event
from bridge.api.points import point_of
from bridge.api.publish import Publisher
from bridge.api.stores import Store, Stores
from bridge.api.trace import trace
from bridge.errors import FieldViolation, InvalidArgument
from bridge.events.outside import is_outside
from bridge.events.resource import event_message
from bridge.server.paging import PageTokens
from bridge.server.pipeline import checks_itself
from bridge.server.validation import Messages, Unchecked
from bridge.subscribe.subscriptions import Subscriptions
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]


class Events(EventServiceServicer):
    """Events in, events out, and what became of each."""

    def __init__(
        self, stores: Stores, pages: PageTokens, subscriptions: Subscriptions, publisher: Publisher
    ) -> None:
        self._stores = stores
        self._pages = pages
        self._subscriptions = subscriptions
        self._publisher = publisher

    @checks_itself
    async def PublishEvent(
        self, request: pb.PublishEventRequest, context: Context
    ) -> event_pb2.Event:
        """An event from outside, as it is stored."""
        return await self._publisher.publish(cast(Unchecked, request))  # as the kit gives it

    async def PublishEvents(
        self, request_iterator: AsyncIterator[pb.PublishEventsRequest], context: Context
    ) -> AsyncIterator[pb.PublishEventsResponse]:
        """Up to where the events of the stream are stored."""
        messages = cast(Messages, request_iterator)  # as the kit gives them
        async with aclosing(self._publisher.publish_all(messages)) as answers:
            async for answer in answers:
                yield answer

    async def GetEvent(self, request: pb.GetEventRequest, context: Context) -> event_pb2.Event:
        """The event, from whichever store has it."""
        store, row = await find_event(self._stores, request.name)
        return event_message(store.source, row)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        """A page, oldest first, of one source or of all."""
        wanted = wanted_of(request)

        async def read(
            _store: Store, connection: asyncpg.Connection, after: int | None, limit: int
        ) -> Part:
            return await event_table.page(connection, wanted, after, limit)

        stores = self._stores.all if not request.source else [self._store(request.source)]
        rows, token = await listed(request, self._pages, stores, read, _time)
        events = [event_message(f"/causeway/{name}", row) for name, row in rows]
        return pb.ListEventsResponse(events=events, next_page_token=token)

    async def TraceEvent(
        self, request: pb.TraceEventRequest, context: Context
    ) -> pb.TraceEventResponse:
        """Who caused it, where it went, what each consumer did, and what it caused."""
        return await trace(self._stores, request.name)

    async def SubscribeEvents(
        self, request: pb.SubscribeEventsRequest, context: Context
    ) -> AsyncIterator[pb.SubscribeEventsResponse]:
        """Events as they are written, from where the caller asks."""
        async with aclosing(self._subscriptions.answers(request)) as answers:
            async for answer in answers:
                yield answer

    def _store(self, source: str) -> Store:
        store = self._stores.of_source(self._publisher.source if is_outside(source) else source)
        if store is None:
            known = ", ".join(one.source for one in self._stores.all)
            text = f"there is no source {source}; there is {known}"
            raise InvalidArgument(
                text, violations=(FieldViolation("source", text),), reason="UNKNOWN_SOURCE"
            )
        return store


def wanted_of(request: pb.ListEventsRequest) -> Wanted:
    """Read the filter of a list."""
    return Wanted(
        publisher=request.source if is_outside(request.source) else "",
        subject=request.subject,
        type=request.type,
        correlation=request.correlation,
        start_time=point_of(request, "start_time"),
        end_time=point_of(request, "end_time"),
    )


def _time(row: Row) -> float:
    return float(row["time"].timestamp())
