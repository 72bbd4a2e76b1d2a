"""Decodes requests and holds them against the `buf.validate` rules of their protos.

Decoding happens here and not in grpc.aio, whose answer to bytes that are no message (bad UTF-8,
5,000 levels of nesting) is UNKNOWN with the name of a Python class, and which would parse for
callers that have shown no token yet.
"""

import functools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Any

import protovalidate
from google.protobuf.message import DecodeError, Message

from bridge.errors import FieldViolation, InvalidArgument, ResourceExhausted
from bridge.server.call import Call, Handler
from bridge.server.methods import Method

LONG_LIST = 100
"""Entries; of a message with a longer list only the first wrong field is named."""


async def validate(call: Call, proceed: Handler) -> bytes | None:
    """Replace the raw bytes by valid messages, a stream's one by one as they come."""
    if call.method.client_streaming:
        call.incoming = Messages(call.method, call.incoming)
    elif call.method.checks_itself:
        call.incoming = Unchecked(call.method, call.incoming)
    else:
        call.incoming = checked(call.method, call.incoming)
    return await proceed(call)


class Unchecked:
    """The request of a method that `checks_itself`: still bytes."""

    def __init__(self, method: Method, raw: bytes) -> None:
        self._method, self._raw = method, raw

    def check(self) -> Any:
        """Give the request; raises InvalidArgument or ResourceExhausted."""
        return checked(self._method, self._raw)


class Messages:
    """The messages of a stream; raises at a bad one.

    A handler that takes many at once may read them from `raw`, and have each checked later: checks
    one after the other cost half of what they cost between gRPC's steps.
    """

    def __init__(self, method: Method, raw: AsyncIterable[bytes]) -> None:
        self._method, self._source = method, raw

    @functools.cached_property
    def raw(self) -> AsyncIterator[bytes]:
        """The messages as they come. Asked for late: gRPC warns of an iterator that nobody uses."""
        return aiter(self._source)

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Message:
        return checked(self._method, await anext(self.raw))

    def check(self, raw: bytes) -> Any:
        """Give a message of the method's type; raises as `checked` does."""
        return checked(self._method, raw)


def checked(method: Method, raw: bytes) -> Message:
    """Return the message; raises InvalidArgument or ResourceExhausted."""
    if len(raw) > method.max_request_bytes:
        raise ResourceExhausted(
            f"a request may have {method.max_request_bytes} bytes",
            reason="REQUEST_TOO_LARGE",
            retriable=False,
        )
    try:
        message = method.request.FromString(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidArgument(
            "the request does not decode as the method's message", reason="MALFORMED_REQUEST"
        ) from None
    check(message)
    return message


def check(message: Message) -> None:
    """Raise InvalidArgument, naming the wrong fields, where the message breaks a rule."""
    found = protovalidate.collect_violations(message, fail_fast=True)
    if not found:
        return
    # All of them are a help for a person, and seconds of the event loop for 32,000 empty items.
    if not has_long_list(message):
        found = protovalidate.collect_violations(message)
    violations = tuple(
        FieldViolation(field_path(one), one.proto.message or one.proto.rule_id) for one in found
    )
    first = violations[0]
    raise InvalidArgument(
        f"{first.field}: {first.description}" if first.field else first.description,
        violations=violations,
        reason="INVALID_REQUEST",
    )


def has_long_list(message: Message) -> bool:
    """Whether a list or a map in the message has more than `LONG_LIST` entries."""
    for field, value in message.ListFields():
        parts: Iterable[Any]
        if not field.is_repeated:
            parts = (value,)
        elif len(value) > LONG_LIST:
            return True
        else:
            parts = value.values() if isinstance(value, Mapping) else value
        if any(isinstance(part, Message) and has_long_list(part) for part in parts):
            return True
    return False


def field_path(violation: protovalidate.Violation) -> str:
    """Write the path as the proto spells it: `order.items[0].sku`."""
    path = violation.proto.field
    return ".".join(
        f"{one.field_name}[{one.subscript.value}]" if one.subscript else one.field_name
        for one in (path.elements if path else ())
    )
