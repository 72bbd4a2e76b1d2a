"""A `.proto` file as the schema registry gets it: written from its descriptor, for readers.

What a reader of a record needs, and no more: messages, enums and standard options. Custom options
(ours, and `buf.validate`'s) are left out with the files that define them. They say nothing about
bytes; a version of the schema would follow from every change of a role; and Apicurio's Java client
can't resolve what such files import (decision 15).
"""

from collections.abc import Iterable, Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message

from bridge.errors import Internal

INDENT = "  "
UNSAID = ("map_entry", "cc_enable_arenas")
"""Standard options that no file has to say: the one follows from `map<>`, the other is always on,
and protoc of some versions writes it into what it generates.
"""
_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in FieldDescriptorProto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}


@cache
def text_of(file: FileDescriptor) -> str:
    """Write a proto3 file. Messages keep their order, which the wire format counts by."""
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    if proto.syntax != "proto3":
        raise Internal(f"{file.name} is not proto3, as all that events are made of must be")
    lines = ['syntax = "proto3";', f"package {proto.package};"]
    lines += [f'import "{used.name}";' for used in imports_of(file)]
    lines += _options(proto.options)
    for enum in proto.enum_type:
        lines += ["", *_enum(enum)]
    for message in proto.message_type:
        lines += ["", *_message(message)]
    return "\n".join(lines) + "\n"


@cache
def imports_of(file: FileDescriptor) -> tuple[FileDescriptor, ...]:
    """List the files that define the types of its fields, by path; the built-in ones too."""
    found = {
        used.file.name: used.file
        for message in file.message_types_by_name.values()
        for used in _used(message)
        if used.file.name != file.name
    }
    return tuple(found[path] for path in sorted(found))


def _used(message: Descriptor) -> Iterator[Descriptor | EnumDescriptor]:
    for field in message.fields:
        used = field.message_type or field.enum_type
        if used is not None:
            yield used
    for nested in message.nested_types:
        yield from _used(nested)


def _message(message: DescriptorProto) -> list[str]:
    body = [*_options(message.options), *_reserved(message)]
    for enum in message.enum_type:
        body += _enum(enum)
    written = set()
    for nested in message.nested_type:
        if nested.options.map_entry:
            # It is a nested message too, and counts where its field stands.
            field = _field_of(message, nested)
            written.add(field.number)
            body.append(_map(field, nested))
        else:
            body += _message(nested)
    return _block(f"message {message.name}", [*body, *_fields(message, written)])


def _field_of(message: DescriptorProto, entry: DescriptorProto) -> FieldDescriptorProto:
    """Find the field that is the map of `entry`."""
    end = f".{message.name}.{entry.name}"
    return next(field for field in message.field if field.type_name.endswith(end))


def _fields(message: DescriptorProto, written: set[int]) -> Iterator[str]:
    groups: dict[int, list[FieldDescriptorProto]] = {}
    for field in message.field:
        if field.HasField("oneof_index") and not field.proto3_optional:
            groups.setdefault(field.oneof_index, []).append(field)
        elif field.number not in written:
            yield _field(field)
    for index, members in groups.items():
        yield from _block(f"oneof {message.oneof_decl[index].name}", map(_field, members))


def _field(field: FieldDescriptorProto) -> str:
    label = ""
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        label = "repeated "
    elif field.proto3_optional:
        label = "optional "
    return f"{label}{_type(field)} {field.name} = {field.number}{_brackets(field)};"


def _map(field: FieldDescriptorProto, entry: DescriptorProto) -> str:
    key, value = map(_type, entry.field)
    return f"map<{key}, {value}> {field.name} = {field.number}{_brackets(field)};"


def _type(field: FieldDescriptorProto) -> str:
    return field.type_name or _SCALARS[field.type]


def _brackets(field: FieldDescriptorProto) -> str:
    said = [f"{name} = {value}" for name, value in _standard(field.options)]
    if field.json_name not in ("", default_json_name(field.name)):
        said.append(f'json_name = "{field.json_name}"')
    return f" [{', '.join(said)}]" if said else ""


def default_json_name(name: str) -> str:
    """Give the name in JSON of a field that names none, as protoc derives it."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _enum(enum: EnumDescriptorProto) -> list[str]:
    values = [f"{value.name} = {value.number};" for value in enum.value]
    return _block(f"enum {enum.name}", [*_options(enum.options), *_reserved(enum), *values])


def _reserved(of: DescriptorProto | EnumDescriptorProto) -> Iterator[str]:
    # Messages count their ranges without the end, enums with it.
    last = 1 if isinstance(of, DescriptorProto) else 0
    for found in of.reserved_range:
        yield f"reserved {found.start} to {found.end - last};"
    for name in of.reserved_name:
        yield f'reserved "{name}";'


def _options(options: Message) -> list[str]:
    return [f"option {name} = {value};" for name, value in _standard(options)]


def _standard(options: Message) -> Iterator[tuple[str, str]]:
    """Give the options that protobuf itself defines, as they are written."""
    for field, value in options.ListFields():
        if field.is_extension or field.message_type is not None or field.name in UNSAID:
            continue
        if field.enum_type is not None:
            yield field.name, field.enum_type.values_by_number[value].name
        elif isinstance(value, str):
            yield field.name, f'"{value}"'
        else:
            yield field.name, str(value).lower()


def _block(head: str, body: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(INDENT + line for line in body), "}"]
