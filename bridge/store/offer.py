"""An event from outside that is to be stored, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bridge.errors import AlreadyExists, CausewayError
from bridge.events.catalog import EventType
from bridge.events.event import Origin
from bridge.events.schema import SchemaId
from bridge.store.repeats import Repeats

Row = Mapping[str, Any]
"""A stored event as `bridge.events.resource.event_message` takes it."""
Outcome = Row | CausewayError
"""The stored event, now or long ago; or why this one is not."""


class Offer(NamedTuple):
    """One event from outside, checked and serialized."""

    event_id: str
    """Follows from its source and its id there: see bridge/events/outside.py."""
    type: EventType
    stream: str
    data: bytes
    schema: SchemaId
    time: datetime
    """UTC."""
    timed: bool
    """Whether the publisher said when; else it is the time at which it was taken to be stored."""
    origin: Origin
    repeats: Repeats | None = None
    """The request_id that is claimed in the same transaction."""

    @property
    def resource(self) -> str:
        """Its resource name."""
        return f"events/{self.event_id}"

    def columns(self) -> tuple[Any, ...]:
        """Lay it out as one place of the parameters of `append_outside`, but for its id."""
        actor, client, method, request_id, correlation_id, causation_id, traceparent = self.origin
        return (
            self.stream,
            self.type.name,
            self.data,
            self.schema.id,
            self.type.topic,
            self.schema.version,
            self.time,
            actor,
            client,
            method,
            request_id,
            # Mostly of one that begins its own: then all of a group have the same.
            "" if correlation_id == self.event_id else correlation_id,
            causation_id,
            traceparent,
            self.timed,
        )

    def stored(self, version: int) -> Row:
        """Give the event that was written at this version of its stream."""
        return {
            "event_id": self.event_id,
            "type": self.type.name,
            "stream": self.stream,
            "version": version,
            "time": self.time,
            "data": self.data,
            "correlation_id": self.origin.correlation_id,
            "causation_id": self.origin.causation_id,
            "topic": self.type.topic,
            "partition": None,
            "record_offset": None,
        }

    def judged(self, row: Row) -> Outcome:
        """Say whether the event that is stored under this id is the one that is offered."""
        same = row["type"] == self.type.name and row["data"] == self.data
        if same and (not self.timed or row["time"] == self.time):
            return row
        return AlreadyExists(
            f"{self.origin.causation_id} is another event already: give a new one an id of its own",
            reason="EVENT_ID_REUSED",
            metadata={"event": self.resource},
        )
