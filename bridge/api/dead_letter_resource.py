"""Rows of `bridge.parked` as the API's DeadLetter: what is known of records that may be broken."""

from contextlib import suppress
from datetime import datetime

from bridge.api.known_types import KnownTypes
from bridge.api.listing import Row
from bridge.events.codec import header
from bridge.events.resource import packed
from bridge.parking.stored import stored
from bridge.timestamps import timestamp
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import operations_service_pb2 as pb

RAW_BYTES = 4096
"""Of a value that can't be decoded."""


def dead_letter_message(store: str, row: Row, known: KnownTypes) -> pb.DeadLetter:
    """The parked event. Its data is there if it decodes, else the beginning of its value."""
    letter = pb.DeadLetter(
        name=f"deadLetters/{store}-{row['place']}",
        group=row["consumer_group"],
        event=event_of(row),
        reason=row["reason"],
        attempts=row["attempts"],
        park_time=timestamp(row["park_time"]),
        next_attempt_time=timestamp(row["next_attempt_time"]),
        stack_digest=row["stack_digest"],
        redrive_time=timestamp(row["redrive_time"]),
        discard_time=timestamp(row["discard_time"]),
    )
    value = row["value"] or b""
    data = known.data(row["type"], value)
    if data is None:
        letter.raw_value = value[:RAW_BYTES]
    else:
        letter.event.data.CopyFrom(packed(row["type"], data))
    return letter


def event_of(row: Row) -> event_pb2.Event:
    """What the record's place, key and headers tell; a header that says nothing is left out."""
    headers = stored(row).headers
    event = event_pb2.Event(
        name=f"events/{row['event_id']}" if row["event_id"] else "",
        type=row["type"],
        source=header(headers, "ce_source"),
        subject=header(headers, "ce_subject"),
        key=row["key"] or "",
        correlation=header(headers, "ce_correlationid"),
        causation=header(headers, "ce_causationid"),
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
    )
    with suppress(ValueError):
        event.sequence = int(header(headers, "ce_sequence"))
    with suppress(ValueError, OverflowError):
        event.time.FromDatetime(datetime.fromisoformat(header(headers, "ce_time")))
    return event
