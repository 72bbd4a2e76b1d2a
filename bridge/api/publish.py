"""Events from outside: one by one, and as a stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from contextvars import copy_context
from functools import partial

from bridge.api.once import repeats_of
from bridge.api.publish_stream import stored
from bridge.api.publishable import Publishable
from bridge.database import open_pool
from bridge.errors import CausewayError, FailedPrecondition
from bridge.events.catalog import Catalog
from bridge.events.resource import event_message
from bridge.events.schema import SchemaId
from bridge.registry.schemas import schema_ids
from bridge.server.identity import current_caller, origin_of_call
from bridge.server.validation import Messages, Unchecked
from bridge.store.intake import Intake
from bridge.store.offer import Offer
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb

CONNECTIONS = 2
"""One writes; events that come meanwhile are the next group."""
STATEMENT = 8.0
"""Seconds that one statement may take; a call may take 10."""
PATIENCE = 2.0
"""Seconds that a caller waits for the registry, the first time."""

Schemas = Callable[[], Awaitable[Mapping[str, SchemaId]]]


class Publisher:
    """Takes events into the bridge's own store."""

    def __init__(
        self, intake: Intake, own: Catalog, known: Catalog, schemas: Schemas, source: str
    ) -> None:
        """`own`: the types that the bridge writes; `known`: all of the platform; `schemas` gives
        the ids of the former, asked at the first event, so that all else works without a registry.
        `source` is that of the store."""
        self._intake = intake
        self._own = own
        self._known = known
        self._schemas = schemas
        self.source = source
        """Of the store."""
        self._publishable: Publishable | None = None
        self._asking = asyncio.Lock()

    async def publish(self, unchecked: Unchecked) -> event_pb2.Event:
        """Store one event; the same request, or the same source and id, gives the same one."""
        publishable = await self._open()
        # The present call is that of the context, whoever forms the group.
        outcome = await self._intake.put_one(
            partial(copy_context().run, _offer, publishable, unchecked)
        )
        if isinstance(outcome, CausewayError):
            raise outcome
        return event_message(self.source, outcome)

    async def publish_all(
        self, requests: Messages
    ) -> AsyncGenerator[pb.PublishEventsResponse, None]:
        """Store events as they come; after each commit, up to where everything is stored."""
        publishable = await self._open()
        # Each event of a stream begins a correlation of its own: together they would be a million.
        caller, origin = current_caller(), origin_of_call()._replace(correlation_id="")

        def offer_of(request: pb.PublishEventsRequest) -> Offer:
            return publishable.offer(request.event, caller, origin)

        put = self._intake.put
        async with aclosing(stored(requests.raw, requests.check, offer_of, put)) as acknowledged:
            async for up_to in acknowledged:
                yield pb.PublishEventsResponse(up_to=up_to)

    async def _open(self) -> Publishable:
        if self._publishable is not None:
            return self._publishable
        async with self._asking:
            if self._publishable is None:
                self._publishable = Publishable(self._own, self._known, await self._schemas())
        return self._publishable


@asynccontextmanager
async def open_publisher(
    dsn: str, registry: str, own: Catalog, known: Catalog, source: str
) -> AsyncIterator[Publisher]:
    """Open what writes to the bridge's own store, `dsn`; it connects with the first event."""
    pool = await open_pool(dsn, min_size=0, max_size=CONNECTIONS, command_timeout=STATEMENT)
    async with pool:
        yield Publisher(Intake(pool), own, known, partial(_looked_up, registry, own), source)


def _offer(publishable: Publishable, unchecked: Unchecked) -> Offer:
    request: pb.PublishEventRequest = unchecked.check()
    repeats = repeats_of(request) if request.request_id else None
    return publishable.offer(
        request.event, current_caller(), origin_of_call(request.request_id), repeats
    )


async def _looked_up(registry: str, own: Catalog) -> Mapping[str, SchemaId]:
    if not registry:
        raise FailedPrecondition(
            "this bridge takes no events from outside: it was given no CAUSEWAY_REGISTRY",
            reason="SETTINGS_MISSING",
        )
    return await schema_ids(registry, own, patience=PATIENCE)
