"""The record on Kafka: the wire format in the value, CloudEvents' binary mode in headers.

Value: see bridge/events/wire.py. Headers: CloudEvents' Kafka binding 1.0.2, section 3.2.
"""

from datetime import UTC, datetime
from functools import lru_cache

import uuid_utils
from google.protobuf.message import DecodeError, Message

from bridge.errors import Undecodable
from bridge.events.catalog import Catalog, EventType
from bridge.events.enums import require_known
from bridge.events.event import Event, Origin
from bridge.events.wire import payload
from bridge.kafka.record import Headers, Record

CONTENT_TYPE = b"application/protobuf"
SPEC_VERSION = b"1.0"


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
        *_of_schema(source, event_type.name, event_type.subject, schema_version),
        ("ce_id", event_id.encode()),
        ("ce_subject", stream.encode()),
        ("ce_time", _rfc3339(time)),
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
    """Read a record of a type that `catalog` knows, and bring its message up to date.

    Checks, in this order: type, value, message path, protobuf bytes, numbers of enums, upcaster,
    then the other headers. Undecodable says the first that fails, by the record's place and the
    names of header and field, never by a value: it may be personal.
    """
    # A header without a value says as little as a missing one.
    found = {name: value for name, value in record.headers if value is not None}
    try:
        event_type = _type_of(found, catalog)
        message = _up_to_date(_message(record.value, event_type), catalog)
        return _event(record, found, message)
    except KeyError as missing:
        raise _placed(record, Undecodable(f"it has no header {missing.args[0]}")) from None
    except UnicodeDecodeError:
        raise _placed(record, Undecodable("a header or its key is not UTF-8")) from None
    except Undecodable as error:
        raise _placed(record, error) from None


def header(headers: Headers, name: str) -> str:
    """Read one header without decoding the rest; empty if the record does not say."""
    for found, value in headers:
        if found == name and value is not None:
            return value.decode(errors="replace")
    return ""


def _placed(record: Record, error: Undecodable) -> Undecodable:
    where = f"{record.topic}/{record.partition}/{record.offset}"
    return Undecodable(f"record {where}: {error.message}", reason=error.reason)


def _type_of(found: dict[str, bytes], catalog: Catalog) -> EventType:
    name = found["ce_type"].decode()
    event_type = catalog.get(name)
    if event_type is None:
        raise Undecodable("this process does not know its type", reason="UNKNOWN_TYPE")
    return event_type


def _message(value: bytes | None, event_type: EventType) -> Message:
    data = payload(value, event_type.indexes)
    try:
        message = event_type.message.FromString(data)
    except DecodeError:
        raise Undecodable(f"its bytes are no {event_type.name}") from None
    return require_known(message)


def _up_to_date(message: Message, catalog: Catalog) -> Message:
    try:
        return catalog.upcast(message)
    except Exception as error:
        # An upcaster's own error may quote what the message holds.
        raise Undecodable(
            f"the upcaster of {message.DESCRIPTOR.full_name} fails: {type(error).__name__}",
            reason="UPCASTER_FAILED",
        ) from None


def _event(record: Record, found: dict[str, bytes], message: Message) -> Event:
    optional = found.get
    return Event(
        _id(found["ce_id"]),
        message.DESCRIPTOR.full_name,
        found["ce_source"].decode(),
        found["ce_subject"].decode(),
        _sequence(found["ce_sequence"]),
        record.key.decode() if record.key else "",
        _time(found["ce_time"]),
        message,
        Origin(
            actor=optional("ce_actor", b"").decode(),
            correlation_id=optional("ce_correlationid", b"").decode(),
            causation_id=optional("ce_causationid", b"").decode(),
            traceparent=optional("traceparent", b"").decode(),
        ),
        None,
        record.topic,
        record.partition,
        record.offset,
    )


def _id(value: bytes) -> str:
    try:
        return str(uuid_utils.UUID(value.decode()))
    except ValueError:
        raise Undecodable("its header ce_id is no UUID") from None


def _sequence(value: bytes) -> int:
    if not value.isdigit() or len(value) > 19 or not 0 < (version := int(value)) < 2**63:
        raise Undecodable("its header ce_sequence is no version of a stream: 1, 2, …")
    return version


def _time(value: bytes) -> datetime:
    try:
        time = datetime.fromisoformat(value.decode())
        if time.tzinfo is None:
            raise Undecodable("its header ce_time names no time zone")
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 in a zone east of here is before all years
        raise Undecodable("its header ce_time is no time") from None


@lru_cache(maxsize=1024)  # a source from outside is its publisher's own text
def _of_schema(source: str, name: str, subject: str, version: int) -> Headers:
    """Give the headers that all records of one schema share."""
    return (
        ("ce_specversion", SPEC_VERSION),
        ("ce_source", source.encode()),
        ("ce_type", name.encode()),
        ("ce_dataschema", f"/subjects/{subject}/versions/{version}".encode()),
        ("content-type", CONTENT_TYPE),
    )


def _rfc3339(time: datetime) -> bytes:
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.isoformat("T", "microseconds")[:-6].encode() + b"Z"
