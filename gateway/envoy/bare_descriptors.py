"""Descriptors as the transcoder wants them: without the options that only others read.

Protobuf's JSON writer turns each type of a reply, and every option on it, into values of its own,
anew for each reply: our rules and roles would cost a REST call a twelfth of Envoy's CPU.
"""

from collections.abc import Iterator

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.message import Message

BINDING = annotations_pb2.http
"""The one custom option that the transcoder reads."""


def bare(binary: bytes) -> bytes:
    """The FileDescriptorSet without custom options but `google.api.http`; the rest as it was."""
    files = FileDescriptorSet.FromString(binary)
    for declared in _declared(files):
        options = declared.options  # type: ignore[attr-defined]
        for extension, _ in options.ListFields():
            if extension.is_extension and extension.full_name != BINDING.full_name:
                options.ClearExtension(extension)
        options.DiscardUnknownFields()
    return files.SerializeToString(deterministic=True)


def _declared(files: FileDescriptorSet) -> Iterator[Message]:
    """Everything that has options set."""
    for file in files.file:
        yield from (one for one in _of_file(file) if one.HasField("options"))


def _of_file(file: FileDescriptorProto) -> Iterator[Message]:
    yield from (file, *file.extension)
    for service in file.service:
        yield from (service, *service.method)
    for enum in file.enum_type:
        yield from _of_enum(enum)
    for message in file.message_type:
        yield from _of_message(message)


def _of_message(message: DescriptorProto) -> Iterator[Message]:
    yield from (message, *message.field, *message.oneof_decl, *message.extension)
    for enum in message.enum_type:
        yield from _of_enum(enum)
    for nested in message.nested_type:
        yield from _of_message(nested)


def _of_enum(enum: EnumDescriptorProto) -> Iterator[Message]:
    yield from (enum, *enum.value)
