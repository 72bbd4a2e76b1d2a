"""The events of every service, as a compiled descriptor set describes them."""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
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


def described_in(descriptors: Path) -> Catalog:
    """Read a compiled set; OSError or DecodeError where the file can't be read or is none."""
    return described(FileDescriptorSet.FromString(descriptors.read_bytes()).file)
