"""Events for a person and for a program."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BytesValue

# An Any is written as JSON if its type is loaded.
import causeway.inventory.v1.events_pb2
import causeway.notifications.v1.events_pb2
import causeway.orders.v1.events_pb2
import causeway.users.v1.events_pb2  # noqa: F401
from causeway.bridge.v1.event_pb2 import Event
from stack.audit.moments import shown
from stack.console import table

HEADS = ("TIME", "TYPE", "SUBJECT", "VERSION", "KAFKA", "EVENT")


def as_json(message: Message) -> dict[str, Any]:
    """A message as the edge writes it; data of a type that is not known here is base64."""
    copy = type(message)()
    copy.CopyFrom(message)
    for data in list(_data_of(copy)):
        _make_readable(data)
    found: dict[str, Any] = json_format.MessageToDict(
        copy, always_print_fields_with_no_presence=True
    )
    return found


def events_text(events: Sequence[Event]) -> str:
    """A line an event."""
    if not events:
        return "no event matches"
    return table([_cells(event) for event in events], HEADS)


def line_of(event: Event) -> str:
    """One event of many that come one by one: there is no table to align it with."""
    return "  ".join(str(cell) for cell in _cells(event))


def event_text(event: Event) -> str:
    """One event with its data."""
    lines = [
        ("event", event.name),
        ("type", event.type),
        ("source", event.source),
        ("subject", f"{event.subject}, version {event.sequence}"),
        ("time", shown(event.time)),
        ("kafka", place(event)),
        ("correlation", event.correlation),
        ("caused by", cause(event) or "a request"),
    ]
    told = "\n".join(f"{head:<12} {text}" for head, text in lines)
    return f"{told}\n\n{data_text(event)}"


def data_text(event: Event) -> str:
    """The event's data as JSON."""
    data = as_json(event).get("data", {})
    return json.dumps(data, indent=2, ensure_ascii=False)


def place(event: Event) -> str:
    """`topic/partition/offset`, or where it waits."""
    if not event.HasField("offset"):
        return "not on Kafka yet"
    return f"{event.topic}/{event.partition}/{event.offset}"


def cause(event: Event) -> str:
    """What caused it: an event of ours, or one outside by its own id; empty: a request did."""
    source, outside, outer_id = event.causation.rpartition("#")
    if outside:
        return f"{outer_id} of {source}"
    return f"events/{event.causation}" if event.causation else ""


def short(name: str) -> str:
    """The last part of a dotted name."""
    return name.rpartition(".")[2]


def _cells(event: Event) -> tuple[object, ...]:
    return (
        shown(event.time),
        short(event.type),
        event.subject,
        event.sequence,
        place(event),
        event.name.removeprefix("events/"),
    )


def _data_of(message: Message) -> Iterator[AnyMessage]:
    """Every Any in a message, at any depth."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in value if field.is_repeated else [value]:
            if isinstance(inner, AnyMessage):
                yield inner
            else:
                yield from _data_of(inner)


def _make_readable(data: AnyMessage) -> None:
    try:
        json_format.MessageToDict(data)
    except TypeError:
        data.Pack(BytesValue(value=data.value))
