"""Fields and enum values: none removed, renumbered, renamed, retyped or moved between oneofs."""

from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
)

from bridge.registry.proto_text import default_json_name
from bridge.schemas.index import Index, kind_of, oneof_of
from bridge.schemas.problem import Problem

KEEP_FIELD = "put it back; to retire it, stop filling it and mark it [deprecated = true]"
NEW_FIELD = "put it back, and give what is new a field of its own with a new number"
KEEP_VALUE = "put it back; to retire it, stop using it and mark it [deprecated = true]"


def field_problems(old: Index, new: Index) -> Iterator[Problem]:
    """Compare the fields of every message and the values of every enum that both have."""
    for name, message in old.messages.items():
        if name in new.messages:
            yield from _message(name, message, new.messages[name])
    for name, enum in old.enums.items():
        if name not in new.enums:
            yield Problem(name, "was removed or renamed", KEEP_VALUE)
        else:
            yield from _enum(name, enum, new.enums[name])


def _message(name: str, old: DescriptorProto, new: DescriptorProto) -> Iterator[Problem]:
    names = {field.name: field for field in new.field}
    numbers = {field.number: field for field in new.field}
    released = {field.name for field in old.field}
    for field in old.field:
        element = f"{name}.{field.name}"
        same, there = names.get(field.name), numbers.get(field.number)
        if same is None:
            yield _missing(element, field, there if there and there.name not in released else None)
        elif same.number != field.number:
            yield _renumbered(element, field, same, there)
        else:
            yield from _changed(element, field, same)
            was, now = oneof_of(old, field), oneof_of(new, same)
            if was != now:
                text = f"was moved {_from(was)}{_to(now)}"
                yield Problem(element, text, f"old readers clear what is set; {NEW_FIELD}")


def _missing(
    element: str, field: FieldDescriptorProto, there: FieldDescriptorProto | None
) -> Problem:
    if there is None:
        return Problem(element, "was removed", KEEP_FIELD)
    if kind_of(there) == kind_of(field):
        text = f"was renamed to {there.name}"
        return Problem(element, text, f"JSON and every reader know it by its name; {NEW_FIELD}")
    text = f"was removed and its number {field.number} given to {there.name}"
    return Problem(element, text, f"stored bytes would be read as {there.name}; {NEW_FIELD}")


def _renumbered(
    element: str,
    field: FieldDescriptorProto,
    same: FieldDescriptorProto,
    there: FieldDescriptorProto | None,
) -> Problem:
    text = f"was renumbered from {field.number} to {same.number}"
    if there is not None:
        text += f", and {field.number} given to {there.name}"
    return Problem(element, text, "give it its number back; stored bytes know it by that")


def _changed(
    element: str, old: FieldDescriptorProto, new: FieldDescriptorProto
) -> Iterator[Problem]:
    was, now = kind_of(old), kind_of(new)
    if was != now:
        yield Problem(element, f"was {was} and is {now}", NEW_FIELD)
    was, now = (field.json_name or default_json_name(field.name) for field in (old, new))
    if was != now:
        yield Problem(element, f"was {was} in JSON and is {now}", "give it its json_name back")


def _enum(name: str, old: EnumDescriptorProto, new: EnumDescriptorProto) -> Iterator[Problem]:
    names = {value.name: value.number for value in new.value}
    numbers = {value.number: value.name for value in new.value}
    for value in old.value:
        element = f"{name}.{value.name}"
        if value.name not in names:
            there = numbers.get(value.number)
            text = f"was renamed to {there}" if there else "was removed"
            yield Problem(element, text, KEEP_VALUE)
        elif names[value.name] != value.number:
            text = f"was renumbered from {value.number} to {names[value.name]}"
            yield Problem(element, text, "give it its number back; stored bytes know it by that")


def _from(oneof: str) -> str:
    return f"out of the oneof {oneof}" if oneof else "from outside"


def _to(oneof: str) -> str:
    return f" into the oneof {oneof}" if oneof else ""
