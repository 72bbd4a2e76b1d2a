"""Event protos that tests make up: compiled, with their messages and their catalog."""

from types import ModuleType, SimpleNamespace
from typing import Any, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from bridge.events.catalog import Catalog
from bridge.events.upcasting import NO_UPCASTERS, Upcasters
from tests.gateway.protos import compiled


class Protos:
    """A set of files in a pool of its own, so that two versions of one file can be in a test."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self.files = files
        self._pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self._pool.Add(file)

    def file(self, path: str) -> FileDescriptor:
        return self._pool.FindFileByName(path)

    def message(self, full_name: str) -> type[Message]:
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(full_name))

    def make(self, full_name: str, **fields: Any) -> Message:
        return self.message(full_name)(**fields)

    def catalog(self, upcasters: Upcasters = NO_UPCASTERS) -> Catalog:
        """Every events.proto of the set."""
        modules = [
            cast(ModuleType, SimpleNamespace(DESCRIPTOR=self.file(file.name)))
            for file in self.files.file
            if file.name.endswith("/events.proto")
        ]
        return Catalog.of(*modules, upcasters=upcasters)


def protos(sources: dict[str, str]) -> Protos:
    """Compile path → text."""
    return Protos(compiled(sources).files)
