"""A digest of what a request asks for: two calls with the same one ask for the same thing."""

import hashlib
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message


def body_hash(request: Message, *without: str) -> bytes:
    """Return the SHA-256 (32 bytes) of a request, for the check that a `request_id` is not reused.

    Left out are `request_id`, the fields named in `without`, every field marked `debug_redact`
    at any depth (a password must not be stored, not even hashed: it could be guessed), and
    unknown fields, which no handler sees.
    """
    body = type(request)()
    body.CopyFrom(request)
    body.DiscardUnknownFields()
    for name in ("request_id", *without):
        if name in body.DESCRIPTOR.fields_by_name:
            body.ClearField(name)
    redact(body)
    typed = body.DESCRIPTOR.full_name.encode() + b"\0"
    return hashlib.sha256(typed + body.SerializeToString(deterministic=True)).digest()


def redact(message: Message) -> None:
    """Clear every field marked `debug_redact`, here and below."""
    if not holds_redacted(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        if field.GetOptions().debug_redact:
            message.ClearField(field.name)
        elif field.message_type is not None:
            for inner in messages_in(field, value):
                redact(inner)


def messages_in(field: FieldDescriptor, value: Any) -> list[Message]:
    """List the messages that a field holds: one, a list's, or a map's values."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        values = list(value.values())
        return values if values and isinstance(values[0], Message) else []
    return list(value) if field.is_repeated else [value]


@cache
def holds_redacted(descriptor: Descriptor) -> bool:
    """Whether a message type has a `debug_redact` field at any depth."""
    waiting, seen = [descriptor], {descriptor.full_name}
    while waiting:
        for field in waiting.pop().fields:
            if field.GetOptions().debug_redact:
                return True
            inner = field.message_type
            if inner is not None and inner.full_name not in seen:
                seen.add(inner.full_name)
                waiting.append(inner)
    return False
