"""Which messages the compiled descriptor set describes: what the edge can write as JSON."""

from collections.abc import Iterable
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from bridge.errors import Undecodable
from bridge.events.catalog import message_indexes
from bridge.events.wire import payload


class KnownTypes:
    """Reads the values of records of types that are known by name alone."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._pool = DescriptorPool()
        for file in files:
            self._pool.Add(file)

    @classmethod
    def of(cls, descriptors: Path) -> "KnownTypes":
        """Read a compiled set; OSError or DecodeError where the file can't be read or is none."""
        return cls(FileDescriptorSet.FromString(descriptors.read_bytes()).file)

    def data(self, name: str, value: bytes) -> bytes | None:
        """The protobuf bytes in a record's value; None if they are not the message `name`."""
        try:
            descriptor = self._pool.FindMessageTypeByName(name)
            data = payload(value, message_indexes(descriptor))
            GetMessageClass(descriptor).FromString(data)
        except (KeyError, Undecodable, DecodeError, UnicodeDecodeError):
            return None
        return data
