"""What is about to be appended to one stream: checked and serialized, not stored yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from google.protobuf.message import Message

from bridge.errors import StaleVersion
from bridge.events.catalog import EventType
from bridge.events.event import Event, Origin
from bridge.events.schema import SchemaId


class Entry(NamedTuple):
    """One event of a draft."""

    event_id: str
    type: EventType
    schema: SchemaId
    message: Message
    data: bytes
    """The message, serialized."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Events for one stream, of one origin and time, that go together or not at all."""

    stream: str
    expected_version: int
    """Version that the stream must stand at."""
    entries: Sequence[Entry]
    origin: Origin
    time: datetime
    """UTC."""
    source: str

    def recorded(self, positions: Sequence[int]) -> list[Event]:
        """Give the events, now that they have their positions."""
        key = self.stream.partition("/")[2]
        numbered = enumerate(
            zip(self.entries, positions, strict=True), start=self.expected_version + 1
        )
        return [
            Event(
                entry.event_id,
                entry.type.name,
                self.source,
                self.stream,
                version,
                key,
                self.time,
                entry.message,
                self.origin,
                position,
            )
            for version, (entry, position) in numbered
        ]

    def stale(self) -> StaleVersion:
        """Say that the stream stands elsewhere."""
        return StaleVersion(
            f"{self.stream} is not at version {self.expected_version} any more",
            metadata={"stream": self.stream, "expected_version": str(self.expected_version)},
        )
