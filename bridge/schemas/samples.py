"""Payloads to keep of each event: deterministic, and together with every choice that it has.

Variant n takes the n-th value of each enum and the n-th alternative of each oneof, so that as many
variants as the longest of them show all. Even variants hold everyday values, odd ones extremes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from bridge.events.catalog import EventType

DEPTH = 4
"""Messages may hold themselves; deeper than this they stay unset."""

BUILT_IN = "google.protobuf."
F = FieldDescriptor
# By type: the everyday value (a function of what it is for), and the extreme one.
_VALUES: Mapping[int, tuple[Callable[[str, int], Any], Any]] = {
    F.TYPE_STRING: (lambda name, n: f"{name} {n}", "ü 漢字 😀 \u0000 \"'\\"),
    F.TYPE_BYTES: (lambda name, n: f"{name} {n}".encode(), bytes(range(256))),
    F.TYPE_BOOL: (lambda _, n: True, True),
    F.TYPE_DOUBLE: (lambda _, n: n + 0.5, -1e300),
    F.TYPE_FLOAT: (lambda _, n: n + 0.5, -1024.25),
    F.TYPE_INT32: (lambda _, n: n + 1, -(2**31)),
    F.TYPE_SINT32: (lambda _, n: n + 1, -(2**31)),
    F.TYPE_SFIXED32: (lambda _, n: n + 1, -(2**31)),
    F.TYPE_UINT32: (lambda _, n: n + 1, 2**32 - 1),
    F.TYPE_FIXED32: (lambda _, n: n + 1, 2**32 - 1),
    F.TYPE_INT64: (lambda _, n: n + 1, -(2**63)),
    F.TYPE_SINT64: (lambda _, n: n + 1, -(2**63)),
    F.TYPE_SFIXED64: (lambda _, n: n + 1, -(2**63)),
    F.TYPE_UINT64: (lambda _, n: n + 1, 2**64 - 1),
    F.TYPE_FIXED64: (lambda _, n: n + 1, 2**64 - 1),
}


def samples_of(event_type: EventType) -> Iterator[Message]:
    """Make the payloads of one event: the key alone, then the variants with all fields set."""
    bare = event_type.message()
    _set_key(bare, event_type.key, 0)
    yield bare
    for variant in range(max(2, _choices(cast(Descriptor, event_type.message.DESCRIPTOR), DEPTH))):
        full = event_type.message()
        _fill(full, variant, DEPTH)
        _set_key(full, event_type.key, variant + 1)
        yield full


def _choices(descriptor: Descriptor, depth: int) -> int:
    """Give how many alternatives the widest oneof or enum has."""
    if not depth:
        return 0
    oneofs = (len(oneof.fields) for oneof in descriptor.oneofs)
    enums = (len(field.enum_type.values) for field in descriptor.fields if field.enum_type)
    nested = (_choices(f.message_type, depth - 1) for f in descriptor.fields if f.message_type)
    return max((0, *oneofs, *enums, *nested))


def _set_key(message: Message, path: tuple[str, ...], variant: int) -> None:
    holder: Any = message
    for part in path[:-1]:
        holder = getattr(holder, part)
    kind = type(getattr(holder, path[-1]))
    setattr(holder, path[-1], f"key-{variant}" if kind is str else variant + 1)


def _fill(message: Any, variant: int, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[variant % len(oneof.fields)] is not field:
            continue
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            _fill_map(getattr(message, field.name), entry, variant, depth)
        elif field.is_repeated:
            _fill_list(getattr(message, field.name), field, variant, depth)
        elif entry is None:
            setattr(message, field.name, _value(field, variant))
        else:
            _fill_message(getattr(message, field.name), variant, depth)


def _fill_list(items: Any, field: FieldDescriptor, variant: int, depth: int) -> None:
    for n in (variant, variant + 1):
        if field.message_type is None:
            items.append(_value(field, n))
        else:
            _fill_message(items.add(), n, depth)


def _fill_map(items: Any, entry: Descriptor, variant: int, depth: int) -> None:
    key = _value(entry.fields_by_name["key"], variant)
    value = entry.fields_by_name["value"]
    if value.message_type is None:
        items[key] = _value(value, variant)
    else:
        _fill_message(items[key], variant, depth)


def _fill_message(message: Any, variant: int, depth: int) -> None:
    if message.DESCRIPTOR.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        message.seconds, message.nanos = 1_000_000 * (variant + 1), 1000 * variant
    elif depth and not message.DESCRIPTOR.full_name.startswith(BUILT_IN):
        _fill(message, variant, depth - 1)
    message.SetInParent()


def _value(field: FieldDescriptor, variant: int) -> Any:
    if field.enum_type is not None:
        values = field.enum_type.values
        return values[variant % len(values)].number
    everyday, extreme = _VALUES[field.type]
    return extreme if variant % 2 else everyday(field.name, variant)
