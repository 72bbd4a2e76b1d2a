"""One released version of the events, as a file of the corpus."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from bridge.events.catalog import Catalog, EventType
from bridge.schemas.samples import samples_of
from bridge.schemas.surface import EventEntry, Surface, surface_of


@dataclass(frozen=True, slots=True)
class Reading:
    """What a payload says to a handler: full name of the message, and its fields that are set."""

    type: str
    json: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A payload as it may lie in a store, and what it meant when its version was released."""

    type: str
    indexes: tuple[int, ...]
    stream: str
    data: bytes
    reads_as: Reading


@dataclass(frozen=True, slots=True)
class Release:
    """A released version: 1, 2, …"""

    number: int
    surface: Surface
    samples: tuple[Sample, ...]


def release_of(number: int, catalog: Catalog, earlier: Iterable[Release]) -> Release:
    """Take today's events down.

    Payloads of `earlier` releases come along where they read otherwise by now, so that the newest
    word on each payload is in the newest file that has it.
    """
    fresh = [
        _sample(event_type, message, catalog)
        for event_type in catalog
        for message in samples_of(event_type)
    ]
    known = {(one.type, one.data): one for release in earlier for one in release.samples}
    again = []
    for old in known.values():
        event_type = catalog[old.type]
        now = _sample(event_type, event_type.message.FromString(old.data), catalog)
        if now.reads_as != old.reads_as:
            again.append(now)
    return Release(number, surface_of(catalog), (*fresh, *again))


def reading_of(message: Message) -> Reading:
    """Say what a message holds."""
    said = MessageToDict(message, preserving_proto_field_name=True)
    return Reading(message.DESCRIPTOR.full_name, said)


def to_json(release: Release) -> str:
    """Write a release as the text of its file."""
    value = {
        "release": release.number,
        "events": [asdict(entry) for entry in release.surface.events.values()],
        "samples": [{**asdict(one), "data": one.data.hex()} for one in release.samples],
        "files": [MessageToDict(file) for file in release.surface.files.values()],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Release:
    """Read the text of a file back."""
    value = json.loads(text)
    events = {
        one["type"]: EventEntry(**{**one, "indexes": tuple(one["indexes"])})
        for one in value["events"]
    }
    files = {one["name"]: ParseDict(one, FileDescriptorProto()) for one in value["files"]}
    samples = tuple(_samples(value["samples"]))
    return Release(value["release"], Surface(events, files), samples)


def _samples(rows: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        yield Sample(
            row["type"],
            tuple(row["indexes"]),
            row["stream"],
            bytes.fromhex(row["data"]),
            Reading(**row["reads_as"]),
        )


def _sample(event_type: EventType, message: Message, catalog: Catalog) -> Sample:
    return Sample(
        event_type.name,
        event_type.indexes,
        event_type.stream_of(message),
        message.SerializeToString(deterministic=True),
        reading_of(catalog.upcast(message)),
    )
