"""One record of the log as subscriptions see it: read once for all of them."""

from collections.abc import Sequence
from datetime import datetime

from bridge.errors import Undecodable
from bridge.events.catalog import Catalog
from bridge.events.codec import decode, header
from bridge.events.resource import packed
from bridge.events.wire import payload
from bridge.kafka.record import Partition, Record
from bridge.timestamps import timestamp
from causeway.bridge.v1 import event_pb2

OVERHEAD = 1_000
"""Bytes that a record takes in memory beside its value, about."""
MOST_BYTES = 128 * 1024
"""Of what a reader takes at once, but for its first record: held while it does not read on."""


class Seen:
    """What filters ask about, and the event, which is made when the first one asks for it."""

    __slots__ = ("_catalog", "_event", "_record", "key", "offset", "size", "source", "type")

    def __init__(self, record: Record, catalog: Catalog) -> None:
        self._record: Record | None = record
        self._catalog = catalog
        self._event: event_pb2.Event | Undecodable | None = None
        self.offset = record.offset
        self.key = record.key or b""
        self.size = OVERHEAD + len(record.value or b"")
        self.type = self.source = ""
        for name, value in record.headers:
            if value is None:
                continue
            if name == "ce_type":
                self.type = value.decode(errors="replace")
            elif name == "ce_source":
                self.source = value.decode(errors="replace")

    def event(self) -> event_pb2.Event:
        """Give the event, its data as it was recorded. Undecodable if no event can be made of it.

        Shared: not to be changed.
        """
        if self._event is None and self._record is not None:
            try:
                self._event = read(self._record, self._catalog)
            except Undecodable as error:
                self._event = _named(error, self._record)
            self._record = None
        if isinstance(self._event, event_pb2.Event):
            return self._event
        raise self._event or AssertionError("neither record nor event")

    def is_before(self, time: datetime) -> bool:
        """Whether it says to have happened before `time`; no if it can't be read."""
        try:
            return self.event().time.ToDatetime(time.tzinfo) < time
        except Undecodable:
            return False


def fitting(records: Sequence[Seen]) -> Sequence[Seen]:
    """Give as many of them, from the first on, as a reader may take at once; at least one."""
    size = 0
    for count, one in enumerate(records):
        size += one.size
        if count and size > MOST_BYTES:
            return records[:count]
    return records


def read(record: Record, catalog: Catalog) -> event_pb2.Event:
    """Make the event of a record. Undecodable names its place."""
    event = decode(record, catalog)
    indexes = catalog[header(record.headers, "ce_type")].indexes
    return event_pb2.Event(
        name=f"events/{event.id}",
        type=event.type,
        source=event.source,
        subject=event.stream,
        key=event.key,
        time=timestamp(event.time),
        data=packed(event.type, payload(record.value, indexes)),
        sequence=event.version,
        correlation=event.origin.correlation_id,
        causation=event.origin.causation_id,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )


def place_of(record: Record) -> Partition:
    """Give the partition of a record."""
    return Partition(record.topic, record.partition)


def _named(error: Undecodable, record: Record) -> Undecodable:
    place = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    return Undecodable(error.message, reason=error.reason, metadata=place)
