"""The platform's API as its descriptors have it, held against the one that was last released."""

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.generate import DESCRIPTORS, PROTOS

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    from bridge.schemas.problem import Problem

OURS = "causeway/"


def broken(folder: Path) -> "list[Problem]":
    """What breaks for callers; the files of events are judged by the gate of the events."""
    from bridge.schemas.api import ReleasedApi, api_problems
    from stack.steps import catalog

    events = {one.message.DESCRIPTOR.file.name for one in catalog()}
    return list(api_problems(ReleasedApi(folder), today(), OURS, events))


def today() -> "FileDescriptorSet":
    """Read the descriptors that are committed beside the protos."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    return FileDescriptorSet.FromString((PROTOS / DESCRIPTORS).read_bytes())
