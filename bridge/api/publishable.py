"""What may be published from outside, by whom, and in which form: an event becomes an offer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import uuid_utils
from google.protobuf.message import DecodeError, Message

from bridge.errors import CausewayError, FieldViolation, InvalidArgument, PermissionDenied
from bridge.events.catalog import Catalog, EventType
from bridge.events.enums import check_enums
from bridge.events.event import Origin
from bridge.events.outside import cause_of, checked_id, checked_source, event_id_of
from bridge.events.schema import SchemaId
from bridge.events.size import check_size
from bridge.events.texts import field_with_nul
from bridge.server.call import Caller
from bridge.server.validation import check
from bridge.store.offer import Offer
from bridge.store.repeats import Repeats
from causeway.bridge.v1 import event_pb2

AHEAD = timedelta(minutes=5)
"""How far a publisher's clock may be before ours."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""What is older is a clock that was never set."""


class Publishable:
    """The types that the bridge takes, with the ids of their schemas."""

    def __init__(self, own: Catalog, known: Catalog, schema_ids: Mapping[str, SchemaId]) -> None:
        """`own`: those that the bridge writes; `known`: those of the whole platform."""
        self._own = own
        self._known = known
        self._schema_ids = schema_ids

    def offer(
        self,
        event: event_pb2.Event,
        caller: Caller,
        origin: Origin,
        repeats: Repeats | None = None,
    ) -> Offer:
        """Check an event; InvalidArgument names the field, PermissionDenied the type."""
        event_type = self._type_of(event, caller)
        source = checked_source(event.source)
        event_id, outer_id = _ids_of(event, source, repeats)
        message = _message_of(event, event_type)
        stream = event_type.stream_of(message)
        _check_place(event, stream)
        actor, client, method, request_id, correlation_id, _, traceparent = origin
        cause = cause_of(source, outer_id)
        own = Origin(
            actor, client, method, request_id, correlation_id or event_id, cause, traceparent
        )
        return Offer(
            event_id,
            event_type,
            stream,
            _data_of(message, event_type, stream, source, own),
            self._schema_ids[event_type.name],
            _time_of(event),
            event.HasField("time"),
            own,
            repeats,
        )

    def _type_of(self, event: event_pb2.Event, caller: Caller) -> EventType:
        named = event.data.type_url.rpartition("/")[2]
        name = event.type or named
        if not name:
            raise invalid("event.type", f"name the type: {self._names()}")
        known = self._known.get(name)
        if known is None:
            text = f"there is no event {name}; from outside there may come {self._names()}"
            raise InvalidArgument(
                text,
                violations=(FieldViolation("event.type", text),),
                reason="UNKNOWN_EVENT_TYPE",
                metadata={"types": self._names()},
            )
        _check_roles(known, caller)
        event_type = self._own.get(name)
        if event_type is None:
            raise _not_publishable(name)
        if named != name:
            raise invalid("event.data", f"must be a {name}, is {named or 'empty'}")
        return event_type

    def _names(self) -> str:
        return ", ".join(sorted(one.name for one in self._own if one.publish_roles))


def invalid(field: str, text: str) -> InvalidArgument:
    """Name one wrong field of a request, and what is wrong with it."""
    return InvalidArgument(
        f"{field}: {text}", violations=(FieldViolation(field, text),), reason="INVALID_EVENT"
    )


def _ids_of(event: event_pb2.Event, source: str, repeats: Repeats | None) -> tuple[str, str]:
    """Give the id of our own and the publisher's; who says none has ours for both."""
    if outer_id := checked_id(event.name):
        return event_id_of(source, outer_id), outer_id
    made = str(uuid_utils.uuid7()) if repeats is None else event_id_of(*repeats.key)
    return made, made


def _check_roles(event_type: EventType, caller: Caller) -> None:
    if not event_type.publish_roles:
        raise _not_publishable(event_type.name)
    if not caller.has(*event_type.publish_roles):
        raise PermissionDenied(
            f"to publish {event_type.name} one of these roles is needed: "
            + ", ".join(event_type.publish_roles),
            reason="ROLE_MISSING",
            metadata={"roles": ",".join(event_type.publish_roles), "type": event_type.name},
        )


def _not_publishable(name: str) -> PermissionDenied:
    return PermissionDenied(
        f"{name} is written by the service that owns it, and by nobody else",
        reason="NOT_PUBLISHABLE",
        metadata={"type": name},
    )


def _message_of(event: event_pb2.Event, event_type: EventType) -> Message:
    data = event.data.value
    try:
        message = event_type.message.FromString(data)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("event.data", f"does not decode as {event_type.name}") from None
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        # Stored under our schema, nobody could ever say what they were.
        raise invalid("event.data", f"has fields that {event_type.name} does not have here")
    try:
        check(message)
        check_enums(message)
    except InvalidArgument as error:
        raise _below("event.data", error) from None
    # A text with it has the byte; without the byte nothing need be looked at.
    if b"\0" in data and (field := field_with_nul(message)):
        raise invalid(f"event.data.{field}", "a text can't hold the character U+0000")
    return message


def _data_of(
    message: Message, event_type: EventType, stream: str, source: str, origin: Origin
) -> bytes:
    data = message.SerializeToString(deterministic=True)
    said = (origin.actor, origin.correlation_id, origin.causation_id)
    check_size(event_type.name, data, stream, stream, event_type.name, source, *said)
    return data


def _below(field: str, error: InvalidArgument) -> CausewayError:
    """Name the fields as the request spells them."""
    violations = tuple(
        FieldViolation(f"{field}.{one.field}" if one.field else field, one.description)
        for one in error.violations
    )
    return InvalidArgument(
        f"{field}.{error.message}",
        violations=violations,
        reason=error.reason,
        metadata=error.metadata,
    )


def _check_place(event: event_pb2.Event, stream: str) -> None:
    """What follows from the data may be said too, but not otherwise."""
    if not event.key and not event.subject:
        return
    key = stream.partition("/")[2]
    for field, said, right in (("key", event.key, key), ("subject", event.subject, stream)):
        if said not in ("", right):
            raise invalid(f"event.{field}", f"follows from the data, and is {right}")


def _time_of(event: event_pb2.Event) -> datetime:
    now = datetime.now(UTC)
    if not event.HasField("time"):
        return now
    try:
        said = event.time.ToDatetime(tzinfo=UTC)
    except ValueError:
        raise invalid("event.time", "is no time") from None
    if not EARLIEST <= said <= now + AHEAD:
        raise invalid(
            "event.time",
            f"must be {EARLIEST:%Y} or later, and not ahead of our clock ({now:%F %TZ})",
        )
    return said
