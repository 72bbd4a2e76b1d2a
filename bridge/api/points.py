"""Points in time as callers give them."""

from datetime import UTC, datetime

from google.protobuf.message import Message

from bridge.errors import FieldViolation, InvalidArgument


def point_of(request: Message, name: str) -> datetime | None:
    """The time in a field, UTC; None where it is not set. InvalidArgument beyond year 9999."""
    if not request.HasField(name):
        return None
    try:
        time: datetime = getattr(request, name).ToDatetime(UTC)
    except (ValueError, OverflowError):
        text = "is no time between the years 1 and 9999"
        raise InvalidArgument(
            f"{name}: {text}",
            violations=(FieldViolation(name, text),),
            reason="INVALID_TIME",
        ) from None
    return time
