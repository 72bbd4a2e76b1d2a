"""The Kafka topics: one for each aggregate type, kept forever, each with its writers."""

from dataclasses import dataclass

from gateway.model import Model

PARTITIONS = 3
REPLICATION = 3
SEALS = "causeway.seals.v1"
"""Heads of the audit chains; every owner of a store writes its own, keyed by its name."""

_CONFIG = {
    "cleanup.policy": "delete",  # never compact: a null value would be a tombstone
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
    "message.timestamp.type": "CreateTime",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be. `config` has Kafka's own keys; `writers` are areas."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]
    writers: tuple[str, ...]


def topics(model: Model) -> tuple[Topic, ...]:
    """All topics by name; an event topic has exactly one writer (the model's rules see to it)."""
    writers: dict[str, tuple[str, ...]] = {e.topic: (e.owner,) for e in model.events}
    writers[SEALS] = model.areas
    return tuple(event_topic(name, names) for name, names in sorted(writers.items()))


def event_topic(name: str, writers: tuple[str, ...]) -> Topic:
    """A topic of events, as every one is."""
    return Topic(name, PARTITIONS, REPLICATION, dict(_CONFIG), writers)
