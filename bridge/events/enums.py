"""Numbers of enums that this code does not know: refused, never read as a default.

An old reader meets them when a newer writer uses a value that was added. Protobuf keeps the bare
number; a handler that switches over names would take its default branch for it.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from bridge.errors import InvalidArgument, Undecodable

REASON = "UNKNOWN_ENUM_NUMBER"
Search = Callable[[Message], str]
"""Gives the path of the first field with an unknown number, "items[].state"; empty if none."""


def unknown_enum(message: Message) -> str:
    """Find a field whose enum has no value of its number; empty if there is none.

    Costs a look-up where no enum can occur, which is decided once per type.
    """
    search = search_of(message.DESCRIPTOR)
    return search(message) if search is not None else ""


def reader_of(kind: type[Message]) -> Callable[[bytes], Message]:
    """Give what reads bytes as `kind`, and raises Undecodable at a number that is not known.

    For a type without enums it is protobuf's own function.
    """
    read: Callable[[bytes], Message] = kind.FromString
    if search_of(cast(Descriptor, kind.DESCRIPTOR)) is None:
        return read
    return lambda data: require_known(read(data))


def require_known(message: Message) -> Message:
    """Give a message that was read; Undecodable names the field with an unknown number."""
    if path := unknown_enum(message):
        raise Undecodable(_said(message, path), reason=REASON)
    return message


def check_enums(message: Message) -> None:
    """Refuse to write what readers would refuse to read: InvalidArgument names the field."""
    if path := unknown_enum(message):
        raise InvalidArgument(
            _said(message, path),
            reason=REASON,
            metadata={"type": message.DESCRIPTOR.full_name, "field": path},
        )


def _said(message: Message, path: str) -> str:
    name = message.DESCRIPTOR.full_name
    return f"{path} of {name} holds a number that its enum does not name here"


@cache
def search_of(descriptor: Descriptor) -> Search | None:
    """Build the search for a type; None where no enum can occur in it."""
    if not _holds_enum(descriptor, set()):
        return None

    def search(message: Message) -> str:
        # Only what is set: an enum that is not is its zero.
        for field, value in message.ListFields():
            if found := _in_field(field, value):
                return found
        return ""

    return search


def _holds_enum(descriptor: Descriptor, seen: set[str]) -> bool:
    if descriptor.full_name in seen:
        return False
    seen.add(descriptor.full_name)
    return any(
        field.enum_type is not None
        or (field.message_type is not None and _holds_enum(field.message_type, seen))
        for field in descriptor.fields
    )


def _in_field(field: FieldDescriptor, value: Any) -> str:
    if (inner := _map_value(field)) is not None:
        # A key may be personal data: it is not said which.
        return _first(inner, value.values(), f"{field.name}[…]")
    if field.is_repeated:
        return _first(field, value, f"{field.name}[]")
    return _first(field, (value,), field.name)


def _map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    entry = field.message_type
    if entry is None or not entry.GetOptions().map_entry:
        return None
    return entry.fields_by_name["value"]


def _first(field: FieldDescriptor, values: Iterable[Any], path: str) -> str:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number
        return path if any(value not in known for value in values) else ""
    if field.message_type is None:
        return ""
    for value in values:
        if found := unknown_enum(value):
            return f"{path}.{found}"
    return ""
