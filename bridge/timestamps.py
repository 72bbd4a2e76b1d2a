"""Points in time as resources show them."""

from datetime import datetime
from typing import overload

from google.protobuf.timestamp_pb2 import Timestamp


@overload
def timestamp(time: datetime) -> Timestamp: ...
@overload
def timestamp(time: datetime | None) -> Timestamp | None: ...
def timestamp(time: datetime | None) -> Timestamp | None:
    """The message of a point in time; None stays None, a field that is not set."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message
