"""The events of a compiled descriptor set: of every service, known to a process that has no code."""

from collections.abc import Iterable
from types import ModuleType, SimpleNamespace
from typing import cast

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from bridge.events.catalog import Catalog
from causeway.options.v1 import options_pb2


def described(files: Iterable[FileDescriptorProto]) -> Catalog:
    """Make the catalog; `files` in the order of their imports, as protoc writes them.

    Nothing is brought up to date: an event is of the type that it was recorded as.
    """
    pool = DescriptorPool()
    found = []
    for file in files:
        pool.Add(file)
        if any(one.options.HasExtension(options_pb2.event) for one in file.message_type):
            found.append(SimpleNamespace(DESCRIPTOR=pool.FindFileByName(file.name)))
    return Catalog.of(*cast(list[ModuleType], found))
