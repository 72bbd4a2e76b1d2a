"""The event store: append with an expected version, and read a stream back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uuid_utils
from google.protobuf.message import Message

from bridge.catalog import Catalog, EventType
from bridge.errors import Internal, InvalidArgument, StaleVersion
from bridge.event import Event, Origin
from bridge.rows import event_of
from bridge.schema import SchemaId
from bridge.size import check_size
from bridge.sql import queries


class EventStore:
    """Appends to and reads from `bridge.events` of one service. Holds no connection."""

    def __init__(self, catalog: Catalog, schema_ids: Mapping[str, SchemaId], source: str) -> None:
        """`schema_ids` come from `bridge.registry.schema_ids`; `source` is "/causeway/orders"."""
        self._catalog = catalog
        self._schema_ids = schema_ids
        self._source = source
        self._sql = queries("store")

    async def append(
        self,
        connection: asyncpg.Connection,
        stream: str,
        expected_version: int,
        messages: Sequence[Message],
        origin: Origin,
    ) -> list[Event]:
        """Append inside the caller's transaction, queue for Kafka, and wake the relay at commit.

        Versions of a stream are 1..n; `expected_version` 0 begins a new one. One round trip.
        Raises StaleVersion if the stream stands elsewhere: roll the transaction back (where two
        appends met, PostgreSQL has aborted it already), load again and decide again.
        InvalidArgument for an empty key, a message of another stream, or one that is too large
        for Kafka.
        """
        if not messages:
            return []
        events = self._events(stream, expected_version, messages, origin)
        try:
            rows = await connection.fetch(
                self._sql["append"], *self._arguments(stream, expected_version, events)
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "events_stream_version":
                raise
            raise _stale(stream, expected_version) from error
        if len(rows) != len(events):
            raise _stale(stream, expected_version)
        return [
            replace(event, position=row["position"])
            for event, row in zip(events, rows, strict=True)
        ]

    async def load(
        self, connection: asyncpg.Connection, stream: str, after_version: int = 0
    ) -> list[Event]:
        """Read a stream in order, from the version after `after_version`; empty if it is not."""
        rows = await connection.fetch(self._sql["load"], stream, after_version)
        return [event_of(row, self._catalog, self._source) for row in rows]

    def _events(
        self,
        stream: str,
        expected_version: int,
        messages: Sequence[Message],
        origin: Origin,
    ) -> list[Event]:
        now = datetime.now(UTC)
        names = [str(uuid_utils.uuid7()) for _ in messages]
        if not origin.correlation_id:
            origin = replace(origin, correlation_id=names[0])
        numbered = enumerate(zip(names, messages, strict=True), start=expected_version + 1)
        return [
            self._event(stream, version, event_id, message, origin, now)
            for version, (event_id, message) in numbered
        ]

    def _event(
        self,
        stream: str,
        version: int,
        event_id: str,
        message: Message,
        origin: Origin,
        now: datetime,
    ) -> Event:
        event_type = self._catalog.type_of(message)
        if event_type.stream_of(message) != stream:
            raise InvalidArgument(
                f"{event_type.name} of {event_type.stream_of(message)} can't go to stream {stream}",
                reason="STREAM_MISMATCH",
                metadata={"stream": stream, "type": event_type.name},
            )
        return Event(
            id=event_id,
            type=event_type.name,
            source=self._source,
            stream=stream,
            version=version,
            key=stream.partition("/")[2],
            time=now,
            message=message,
            origin=origin,
        )

    def _arguments(self, stream: str, expected_version: int, events: Sequence[Event]) -> list[Any]:
        """Lay the events out as the parameters of the query `append`."""
        origin = events[0].origin
        types = [self._catalog[event.type] for event in events]
        schemas = [self._schema(event_type) for event_type in types]
        return [
            stream,
            expected_version,
            [event.type for event in events],
            [event.id for event in events],
            [self._serialize(event) for event in events],
            [schema.id for schema in schemas],
            [event_type.topic for event_type in types],
            [schema.version for schema in schemas],
            events[0].time,
            origin.actor,
            origin.client,
            origin.method,
            origin.request_id,
            origin.correlation_id,
            origin.causation_id,
            origin.traceparent,
        ]

    def _serialize(self, event: Event) -> bytes:
        data = event.message.SerializeToString()
        origin = event.origin
        texts = (event.stream, event.key, event.type, self._source)
        check_size(event.type, data, *texts, origin.actor, origin.correlation_id)
        return data

    def _schema(self, event_type: EventType) -> SchemaId:
        try:
            return self._schema_ids[event_type.name]
        except KeyError:
            raise Internal(f"{event_type.name} has no registered schema") from None


def _stale(stream: str, expected_version: int) -> StaleVersion:
    return StaleVersion(
        f"{stream} is not at version {expected_version} any more",
        metadata={"stream": stream, "expected_version": str(expected_version)},
    )
