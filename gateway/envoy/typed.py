"""Envoy's own message types, filled from keywords: a wrong field or value fails at once."""

import json
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def typed(kind: type[M], **fields: object) -> M:
    """A message of `kind`. Durations are "5s", enums names, Any what `packed` returns.

    Raises google.protobuf.json_format.ParseError naming the field that does not fit.
    """
    return json_format.ParseDict(fields, kind())


def plain(message: Message) -> dict[str, Any]:
    """The message as nested dicts, to be placed in a field of its own type."""
    return dict(json_format.MessageToDict(message, preserving_proto_field_name=True))


def packed(kind: type[Message], **fields: object) -> dict[str, Any]:
    """A message of `kind` for a field of type Any."""
    return pack(typed(kind, **fields))


def pack(message: Message) -> dict[str, Any]:
    """An existing message for a field of type Any."""
    return {"@type": f"type.googleapis.com/{message.DESCRIPTOR.full_name}"} | plain(message)


def resources(*messages: Message) -> str:
    """The text of a file that Envoy watches: these resources, in a stable order of keys."""
    return text({"resources": [pack(message) for message in messages]})


def text(value: object) -> str:
    """Stable JSON: the same input gives the same bytes."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def seconds(value: float) -> str:
    """A duration as protobuf's JSON spells it."""
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"
