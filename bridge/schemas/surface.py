"""What readers of events rely on: the files of a catalog's events, and where each event lives."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

from bridge.events.catalog import Catalog
from bridge.registry.proto_text import default_json_name, imports_of


@dataclass(frozen=True, slots=True)
class EventEntry:
    """The event option of one message, and its path in its file."""

    type: str
    topic: str
    key: str
    stream: str
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Surface:
    """Events by full name, and by name their files without custom options; imports come first."""

    events: dict[str, EventEntry]
    files: dict[str, FileDescriptorProto]


def surface_of(catalog: Catalog) -> Surface:
    """Read the surface of today's events."""
    events = {
        one.name: EventEntry(one.name, one.topic, ".".join(one.key), one.stream, one.indexes)
        for one in catalog
    }
    files: dict[str, FileDescriptorProto] = {}
    for one in catalog:
        for file in _with_imports(cast(FileDescriptor, one.message.DESCRIPTOR.file)):
            if file.name not in files:
                files[file.name] = _bare(file)
    return Surface(events, files)


def _with_imports(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for used in imports_of(file):
        yield from _with_imports(used)
    yield file


def _bare(file: FileDescriptor) -> FileDescriptorProto:
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    proto.ClearField("service")
    proto.ClearField("extension")
    proto.ClearField("public_dependency")
    proto.dependency[:] = [used.name for used in imports_of(file)]
    _without_custom_options(proto)
    for message in proto.message_type:
        _without_default_json_names(message)
    return proto


def _without_default_json_names(message: DescriptorProto) -> None:
    """Drop what protoc fills in and generated modules leave out: one file looks the same in all."""
    for field in message.field:
        if field.json_name == default_json_name(field.name):
            field.ClearField("json_name")
    for nested in message.nested_type:
        _without_default_json_names(nested)


def _without_custom_options(message: Message) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        held: list[Any] = list(value) if field.is_repeated else [value]
        for one in held:
            _without_custom_options(one)
        if field.name == "options" and not _standard_alone(value):
            message.ClearField("options")


def _standard_alone(options: Any) -> bool:
    """Leave the options that protobuf itself defines; whether there are any."""
    for option, _ in options.ListFields():
        if option.is_extension:
            options.ClearExtension(option)
        elif option.name == "cc_enable_arenas":  # always on, and said by some protocs only
            options.ClearField(option.name)
    options.DiscardUnknownFields()
    return bool(options.ByteSize())
