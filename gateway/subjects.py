"""The subjects of the schema registry: one for each event type."""

from dataclasses import dataclass

from gateway.model import Model

COMPATIBILITY = "BACKWARD_TRANSITIVE"
"""Apicurio's FULL refuses even an added field."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject (TopicRecordNameStrategy), the message it describes and the proto it is in."""

    name: str
    topic: str
    message: str
    file: str
    compatibility: str


def subjects(model: Model) -> tuple[Subject, ...]:
    """All subjects by name."""
    found = (
        Subject(f"{event.topic}-{event.name}", event.topic, event.name, event.file, COMPATIBILITY)
        for event in model.events
    )
    return tuple(sorted(found, key=lambda subject: subject.name))
