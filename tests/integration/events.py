"""Events of other services, as a consumer would hand them over."""

import uuid
from datetime import UTC, datetime

from google.protobuf.message import Message

from bridge.events.event import Event, Origin


def event_of(message: Message, stream: str) -> Event:
    return Event(
        id=str(uuid.uuid4()),
        type=message.DESCRIPTOR.full_name,
        source="/causeway/any",
        stream=stream,
        version=1,
        key=stream.partition("/")[2],
        time=datetime.now(UTC),
        message=message,
        origin=Origin(actor="ann", correlation_id="c1"),
    )
