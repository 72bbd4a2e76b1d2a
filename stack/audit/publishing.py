"""What `causeway events publish` asks of the API."""

import json
import uuid

from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import Message

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from stack.audit.event_types import full_type, known_types
from stack.connected import connected
from stack.errors import Code, StackError


def event_of(type_: str, text: str, source: str, id_: str) -> Event:
    """The event that was typed. StackError (usage) for a type, or JSON, that is none.

    Without an id it gets one, so that a repeat on the way to the bridge counts once.
    """
    from stack.steps import catalog

    name = full_type(type_, known_types())
    known = catalog().get(name)
    if known is None:
        raise StackError(
            Code.UNKNOWN_NAME, f"there is no event {name}", "causeway schemas list", usage=True
        )
    event = Event(name=f"events/{id_ or uuid.uuid4()}", type=name, source=source)
    event.data.Pack(_message(known.message, name, text))
    return event


def _message(kind: type[Message], name: str, text: str) -> Message:
    try:
        return Parse(text, kind())
    except (ParseError, json.JSONDecodeError) as error:
        raise StackError(
            Code.CALL_FAILED,
            f"DATA is no {name}: {error}",
            "causeway events publish --help",
            usage=True,
        ) from None


async def published(event: Event, user: str, password: str | None) -> Event:
    """The event as it is stored."""
    async with connected(user, password, again="causeway events publish …") as platform:
        return await platform.events.PublishEvent(pb.PublishEventRequest(event=event))
