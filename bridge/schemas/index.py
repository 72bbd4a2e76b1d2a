"""Descriptors by full name, as the comparison of two surfaces needs them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)


@dataclass(frozen=True, slots=True)
class Index:
    """What a set of files declares."""

    messages: dict[str, DescriptorProto]
    enums: dict[str, EnumDescriptorProto]
    files: dict[str, str]
    """Path of the file that declares a message or an enum."""
    scopes: dict[str, list[str]]
    """Messages of a file or a message, in the order that message paths count by."""


def index_of(files: Iterable[FileDescriptorProto]) -> Index:
    """Read the files."""
    index = Index({}, {}, {}, {})
    for file in files:
        _read(index, file.name, file.name, file.package, file.message_type, file.enum_type)
    return index


def _read(
    index: Index,
    file: str,
    scope: str,
    prefix: str,
    messages: Iterable[DescriptorProto],
    enums: Iterable[EnumDescriptorProto],
) -> None:
    index.scopes[scope] = []
    for enum in enums:
        index.enums[f"{prefix}.{enum.name}"] = enum
        index.files[f"{prefix}.{enum.name}"] = file
    for message in messages:
        name = f"{prefix}.{message.name}"
        index.messages[name] = message
        index.files[name] = file
        if not message.options.map_entry:  # nobody is sent one by itself
            index.scopes[scope].append(name)
        _read(index, file, name, name, message.nested_type, message.enum_type)


def oneof_of(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    """Give the name of the oneof that a field is an alternative of; empty if it is none."""
    if not field.HasField("oneof_index") or field.proto3_optional:
        return ""
    return str(message.oneof_decl[field.oneof_index].name)


def kind_of(field: FieldDescriptorProto) -> str:
    """Give the type as a proto file spells it, "repeated google.type.Money"."""
    name = field.type_name.removeprefix(".") or (
        FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    )
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"{'repeated ' if repeated else 'optional ' if field.proto3_optional else ''}{name}"


def fields_of(message: DescriptorProto) -> Iterator[tuple[int, str, str]]:
    """Give what makes two messages look the same: numbers, names and types of the fields."""
    return ((field.number, field.name, kind_of(field)) for field in message.field)
