"""The event store: append with an expected version, and read a stream back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uuid_utils
from google.protobuf.message import Message

from bridge.errors import Internal, InvalidArgument
from bridge.events.catalog import Catalog
from bridge.events.enums import check_enums
from bridge.events.event import Event, Origin
from bridge.events.resource import event_message
from bridge.events.schema import SchemaId
from bridge.events.size import check_size
from bridge.sql import queries
from bridge.store.draft import Draft, Entry
from bridge.store.rows import events_of
from causeway.bridge.v1 import event_pb2


class EventStore:
    """Appends to and reads from `bridge.events` of one service. Holds no connection."""

    def __init__(self, catalog: Catalog, schema_ids: Mapping[str, SchemaId], source: str) -> None:
        """`schema_ids` come from `bridge.registry.schemas`; `source` is "/causeway/orders"."""
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
        draft = self.draft(stream, expected_version, messages, origin)
        # The most common case has a statement of its own: it spares both sides the arrays.
        alone = len(draft.entries) == 1
        name, arguments = ("append_one", _one(draft)) if alone else ("append", _many(draft))
        try:
            rows = await connection.fetch(self._sql[name], *arguments)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "events_stream_version":
                raise
            raise draft.stale() from error
        if not rows:
            raise draft.stale()
        return draft.recorded([row[0] for row in rows])

    async def load(
        self, connection: asyncpg.Connection, stream: str, after_version: int = 0
    ) -> list[Event]:
        """Read a stream in order, from the version after `after_version`; empty if it is not.

        Messages of an older type come as the newest one that the catalog's upcasters give.
        """
        rows = await connection.fetch(self._sql["load"], stream, after_version)
        return events_of(rows, self._catalog, self._source)

    async def listed(
        self, connection: asyncpg.Connection, stream: str, after_version: int, limit: int
    ) -> list[event_pb2.Event]:
        """Read up to `limit` events of a stream as the API shows them, oldest first.

        From the version after `after_version`; `data` as it was stored, whatever its type; topic,
        partition and offset as far as they are known.
        """
        rows = await connection.fetch(self._sql["listed"], stream, after_version, limit)
        return [event_message(self._source, row) for row in rows]

    def draft(
        self, stream: str, expected_version: int, messages: Sequence[Message], origin: Origin
    ) -> Draft:
        """Check and serialize what is to be appended; InvalidArgument as `append` says."""
        if not origin.correlation_id:
            first = str(uuid_utils.uuid7())
            origin = origin._replace(correlation_id=first)
            ids = [first, *(str(uuid_utils.uuid7()) for _ in messages[1:])]
        else:
            ids = [str(uuid_utils.uuid7()) for _ in messages]
        entries = [
            self._entry(stream, event_id, message, origin)
            for event_id, message in zip(ids, messages, strict=True)
        ]
        return Draft(stream, expected_version, entries, origin, datetime.now(UTC), self._source)

    def _entry(self, stream: str, event_id: str, message: Message, origin: Origin) -> Entry:
        event_type = self._catalog.type_of(message)
        if event_type.stream_of(message) != stream:
            raise InvalidArgument(
                f"{event_type.name} of {event_type.stream_of(message)} can't go to stream {stream}",
                reason="STREAM_MISMATCH",
                metadata={"stream": stream, "type": event_type.name},
            )
        check_enums(message)
        data = message.SerializeToString()
        # The key is a part of the stream's name; it is on the record twice.
        texts = (stream, stream, event_type.name, self._source)
        check_size(event_type.name, data, *texts, origin.actor, origin.correlation_id)
        return Entry(event_id, event_type, self._schema(event_type.name), message, data)

    def _schema(self, name: str) -> SchemaId:
        try:
            return self._schema_ids[name]
        except KeyError:
            raise Internal(f"{name} has no registered schema") from None


def _one(draft: Draft) -> list[Any]:
    """Lay a draft of one event out as the parameters of the query `append_one`."""
    (entry,) = draft.entries
    return [
        draft.stream,
        draft.expected_version,
        entry.type.name,
        entry.event_id,
        entry.data,
        entry.schema.id,
        entry.type.topic,
        entry.schema.version,
        draft.time,
        *draft.origin,
    ]


def _many(draft: Draft) -> list[Any]:
    """Lay a draft out as the parameters of the query `append`."""
    return [
        draft.stream,
        draft.expected_version,
        [entry.type.name for entry in draft.entries],
        [entry.event_id for entry in draft.entries],
        [entry.data for entry in draft.entries],
        [entry.schema.id for entry in draft.entries],
        [entry.type.topic for entry in draft.entries],
        [entry.schema.version for entry in draft.entries],
        draft.time,
        *draft.origin,
    ]
