"""The record on Kafka: Confluent's wire format in the value, CloudEvents' binary mode in headers.

Value: 0x00, the schema's id (4 bytes, big endian), the message's path in its file as zigzag
varints (their count first; the path [0] is the single byte 0x00), then the protobuf bytes. See
Confluent's "Wire format" for Protobuf. Headers: CloudEvents' Kafka binding 1.0.2, section 3.2.
"""

from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from google.protobuf.message import DecodeError

from bridge.catalog import Catalog, EventType
from bridge.errors import Undecodable
from bridge.event import Event, Origin
from bridge.kafka.record import Headers, Record

MAGIC = 0
CONTENT_TYPE = b"application/protobuf"
SPEC_VERSION = b"1.0"


@cache
def wire_prefix(schema_id: int, indexes: tuple[int, ...]) -> bytes:
    """Give what stands in front of the protobuf bytes: computed once per schema."""
    path = b"\0" if indexes == (0,) else b"".join(map(_zigzag, (len(indexes), *indexes)))
    return bytes([MAGIC]) + schema_id.to_bytes(4, "big") + path


def split_value(value: bytes) -> tuple[int, tuple[int, ...], bytes]:
    """Take a value apart: schema id, message path, protobuf bytes. Undecodable if it is not one."""
    if len(value) < 6 or value[0] != MAGIC:
        raise Undecodable("the value is not in the schema registry's wire format")
    count, at = _unzigzag(value, 5)
    indexes = []
    for _ in range(count):
        index, at = _unzigzag(value, at)
        indexes.append(index)
    return int.from_bytes(value[1:5], "big"), tuple(indexes) or (0,), value[at:]


def headers(
    event_id: str,
    event_type: EventType,
    source: str,
    stream: str,
    version: int,
    time: datetime,
    schema_version: int,
    origin: Origin,
) -> Headers:
    """Lay out the headers of one record; those of an origin only where they are known."""
    found = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.name.encode()),
        ("ce_subject", stream.encode()),
        ("ce_time", _rfc3339(time)),
        ("ce_dataschema", _dataschema(event_type.subject, schema_version)),
        ("content-type", CONTENT_TYPE),
        ("ce_sequence", b"%d" % version),
    ]
    for name, text in (
        ("ce_correlationid", origin.correlation_id),
        ("ce_causationid", origin.causation_id),
        ("ce_actor", origin.actor),
        ("traceparent", origin.traceparent),
    ):
        if text:
            found.append((name, text.encode()))
    return found


def decode(record: Record, catalog: Catalog) -> Event:
    """Read a record of a type that `catalog` knows. Undecodable says what is wrong with it."""
    # A header without a value says as little as a missing one.
    found = {name: value for name, value in record.headers if value is not None}
    try:
        return _event(record, found, _type_of(found, catalog))
    except (KeyError, ValueError, DecodeError) as error:
        # Neither the text nor the values: they may hold personal data.
        where = f"{record.topic}/{record.partition}/{record.offset}"
        raise Undecodable(f"record {where}: {type(error).__name__}") from error


def header(headers: Headers, name: str) -> str:
    """Read one header without decoding the rest; empty if the record does not say."""
    for found, value in headers:
        if found == name and value is not None:
            return value.decode(errors="replace")
    return ""


def _type_of(found: dict[str, bytes], catalog: Catalog) -> EventType:
    event_type = catalog.get(found["ce_type"].decode())
    if event_type is None:
        raise ValueError("unknown type")
    return event_type


def _event(record: Record, found: dict[str, bytes], event_type: EventType) -> Event:
    _, indexes, data = split_value(record.value or b"")
    if indexes != event_type.indexes:
        raise ValueError("the value's message path is another type's")
    message = event_type.message.FromString(data)
    stream = found["ce_subject"].decode()
    return Event(
        id=str(UUID(found["ce_id"].decode())),
        type=event_type.name,
        source=found["ce_source"].decode(),
        stream=stream,
        version=int(found["ce_sequence"]),
        key=record.key.decode() if record.key else "",
        time=datetime.fromisoformat(found["ce_time"].decode()),
        message=message,
        origin=Origin(
            actor=found.get("ce_actor", b"").decode(),
            correlation_id=found.get("ce_correlationid", b"").decode(),
            causation_id=found.get("ce_causationid", b"").decode(),
            traceparent=found.get("traceparent", b"").decode(),
        ),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )


@cache
def _dataschema(subject: str, version: int) -> bytes:
    return f"/subjects/{subject}/versions/{version}".encode()


def _rfc3339(time: datetime) -> bytes:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds").encode() + b"Z"


def _zigzag(number: int) -> bytes:
    """Write a non-negative number as a zigzag varint."""
    left = number << 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _unzigzag(data: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag varint: the number and where it ends. Undecodable if it does not."""
    raw = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise Undecodable("the value's message path does not end")
        raw |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    number = (raw >> 1) ^ -(raw & 1)
    if number < 0:
        raise Undecodable("the value's message path is negative")
    return number, at
