"""Any message that a type's wire format allows, whatever its rules say."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.fuzz import values

DEPTH = 4
"""Levels of messages; `damage.nested` goes deeper than any program should."""
KNOWN_IN_ANY = (
    "causeway.inventory.v1.StockAdjusted",
    "causeway.orders.v1.OrderCreated",
    "google.protobuf.Timestamp",
    "google.protobuf.Any",
)
ODD_URLS = ("", "/", "type.googleapis.com/", "no.such.Type", "type.googleapis.com/no.such.Type")

_NUMBERS: Mapping[int, SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_DOUBLE: values.floats(64),
    FieldDescriptor.TYPE_FLOAT: values.floats(32),
    FieldDescriptor.TYPE_INT64: values.integers(64, signed=True),
    FieldDescriptor.TYPE_SINT64: values.integers(64, signed=True),
    FieldDescriptor.TYPE_SFIXED64: values.integers(64, signed=True),
    FieldDescriptor.TYPE_UINT64: values.integers(64, signed=False),
    FieldDescriptor.TYPE_FIXED64: values.integers(64, signed=False),
    FieldDescriptor.TYPE_INT32: values.integers(32, signed=True),
    FieldDescriptor.TYPE_SINT32: values.integers(32, signed=True),
    FieldDescriptor.TYPE_SFIXED32: values.integers(32, signed=True),
    FieldDescriptor.TYPE_UINT32: values.integers(32, signed=False),
    FieldDescriptor.TYPE_FIXED32: values.integers(32, signed=False),
    FieldDescriptor.TYPE_BOOL: values.booleans,
    FieldDescriptor.TYPE_STRING: values.text,
    FieldDescriptor.TYPE_BYTES: values.data,
}


@st.composite
def wild(draw: DrawFn, kind: Descriptor, depth: int = DEPTH) -> Message:
    """A message of this type: each field set or not, each value anything of its type."""
    special = _SPECIAL.get(kind.full_name)
    if special is not None:
        return draw(special(depth))
    message = GetMessageClass(kind)()
    for field in chosen(draw, kind):
        if field.message_type is None or depth > 0:
            fill(draw, message, field, lambda one: any_value(one, depth - 1))
    return message


def chosen(draw: DrawFn, kind: Descriptor) -> list[FieldDescriptor]:
    """Which fields to set, a oneof's at most once."""
    fields: list[FieldDescriptor] = [f for f in kind.fields if f.containing_oneof is None]
    fields = [field for field in fields if draw(st.booleans())]
    for group in kind.oneofs:
        fields += draw(st.sampled_from([[], *([field] for field in group.fields)]))
    return fields


def fill(
    draw: DrawFn,
    message: Message,
    field: FieldDescriptor,
    value_of: Callable[[FieldDescriptor], SearchStrategy[Any]],
    sizes: tuple[int, int] = (0, 4),
) -> None:
    """Set a field of any cardinality to values of a strategy."""
    target = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        for one in draw(st.lists(value_of(key), max_size=sizes[1])):
            if value.message_type is not None:
                target[one].CopyFrom(draw(value_of(value)))
            else:
                target[one] = draw(value_of(value))
    elif field.is_repeated:
        target.extend(draw(st.lists(value_of(field), min_size=sizes[0], max_size=sizes[1])))
    elif field.message_type is not None:
        target.CopyFrom(draw(value_of(field)))
    else:
        setattr(message, field.name, draw(value_of(field)))


def any_value(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    """One value of a field's type."""
    if field.message_type is not None:
        return wild(field.message_type, depth)
    if field.enum_type is not None:
        return values.enum_numbers([value.number for value in field.enum_type.values])
    return _NUMBERS[field.type]


@st.composite
def _any(draw: DrawFn, depth: int) -> Message:
    name = draw(st.sampled_from(KNOWN_IN_ANY))
    if depth > 0 and draw(st.booleans()):
        packed = AnyMessage()
        packed.Pack(draw(wild(Default().FindMessageTypeByName(name), depth - 1)))
        return packed
    url = draw(st.one_of(st.sampled_from((*ODD_URLS, f"x/{name}")), values.text))
    return AnyMessage(type_url=url, value=draw(values.data))


@st.composite
def _moment(draw: DrawFn, name: str) -> Message:
    kind = GetMessageClass(Default().FindMessageTypeByName(name))
    return kind(seconds=draw(values.seconds()), nanos=draw(values.nanos()))


@st.composite
def _mask(draw: DrawFn) -> Message:
    kind = GetMessageClass(Default().FindMessageTypeByName("google.protobuf.FieldMask"))
    paths = st.one_of(st.sampled_from(values.ODD_PATHS), values.text)
    return kind(paths=draw(st.lists(paths, max_size=5)))


_SPECIAL: Mapping[str, Callable[[int], SearchStrategy[Message]]] = {
    "google.protobuf.Any": _any,
    "google.protobuf.Timestamp": lambda _: _moment("google.protobuf.Timestamp"),
    "google.protobuf.Duration": lambda _: _moment("google.protobuf.Duration"),
    "google.protobuf.FieldMask": lambda _: _mask(),
}
"""Well-known types: that of their values which is odd is another than of plain numbers."""
