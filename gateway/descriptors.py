"""The compiled descriptor set: read once, options resolved, messages found by full name."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

DESCRIPTORS = Path(__file__).resolve().parent.parent / "protos/causeway/descriptors.binpb"
PLATFORM_PACKAGE = "causeway."
EVENTS_FILE = "events.proto"


class Descriptors:
    """A FileDescriptorSet with look-ups.

    `binary`  the set as bytes, as Envoy takes it: without lines and comments.
    `texts`   file → its proto text, as far as it is known; AsyncAPI hands it on.
    """

    def __init__(self, files: FileDescriptorSet, texts: Mapping[str, str]) -> None:
        self.files = files
        self.texts = texts
        self.binary = _without_source_info(files).SerializeToString(deterministic=True)
        self._messages = {
            f".{name}": message
            for file in files.file
            for name, message in _messages(file.package, file.message_type)
        }
        self._enums = {
            f"{scope}.{enum.name}": enum for scope, enums in self._enum_scopes() for enum in enums
        }

    def platform_files(self) -> Iterator[FileDescriptorProto]:
        """Our own files, in the order of the set; the rest are wheels' protos."""
        return (f for f in self.files.file if f"{f.package}.".startswith(PLATFORM_PACKAGE))

    def message(self, type_name: str) -> DescriptorProto:
        """The message with this name, with its leading dot. KeyError where there is none."""
        return self._messages[type_name]

    def enum(self, type_name: str) -> EnumDescriptorProto:
        """The enum with this name, with its leading dot. KeyError where there is none."""
        return self._enums[type_name]

    def messages(self) -> Mapping[str, DescriptorProto]:
        """All messages by full name with its leading dot, in the order of the set."""
        return self._messages

    def field(self, type_name: str, path: str) -> FieldDescriptorProto | None:
        """Follow a dotted field path from a message; None where it leads nowhere."""
        found: FieldDescriptorProto | None = None
        for part in path.split("."):
            message = self._messages.get(type_name)
            found = next((f for f in message.field if f.name == part), None) if message else None
            if found is None:
                return None
            type_name = found.type_name
        return found

    def _enum_scopes(self) -> Iterator[tuple[str, Iterable[EnumDescriptorProto]]]:
        for file in self.files.file:
            yield f".{file.package}" if file.package else "", file.enum_type
        for name, message in self._messages.items():
            yield name, message.enum_type


def load(path: Path = DESCRIPTORS) -> Descriptors:
    """Read the set from a file written by `python -m gateway.generate`, and the events' protos."""
    folder = DESCRIPTORS.parent  # of the protos, also where the set was written elsewhere
    texts = {
        str(file.relative_to(folder.parent)): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob(EVENTS_FILE))
    }
    return parse(path.read_bytes(), texts)


def parse(binary: bytes, texts: Mapping[str, str] | None = None) -> Descriptors:
    """Read the set from bytes. All options are resolved, because their modules are loaded."""
    # Extensions are known to the parser only when the generated modules are imported.
    import google.api.annotations_pb2
    import google.api.client_pb2
    import google.api.field_behavior_pb2
    import google.api.resource_pb2  # noqa: F401

    import causeway.options.v1.options_pb2  # noqa: F401
    from buf.validate import validate_pb2  # noqa: F401

    return Descriptors(FileDescriptorSet.FromString(binary), texts or {})


def _without_source_info(files: FileDescriptorSet) -> FileDescriptorSet:
    bare = FileDescriptorSet()
    bare.CopyFrom(files)
    for file in bare.file:
        file.ClearField("source_code_info")
    return bare


def _messages(
    prefix: str, messages: Iterable[DescriptorProto]
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{prefix}.{message.name}" if prefix else message.name
        yield name, message
        yield from _messages(name, message.nested_type)
