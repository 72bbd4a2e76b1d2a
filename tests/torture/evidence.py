"""What a run left behind, as plain values: the histories and the final contents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class Append:
    """One try to append, as its writer knows it. Tokens name the events across all contents."""

    stream: str
    after: int
    """The expected version."""
    tokens: tuple[str, ...]
    outcome: str
    """OK; FAILED: rolled back for sure; UNKNOWN: no word, or an error that may come after all."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of `bridge.events`."""

    event: str
    stream: str
    version: int
    token: str


@dataclass(frozen=True, slots=True)
class Published:
    """A record on the log. The order of arrival is that of offsets within a partition."""

    event: str
    stream: str
    version: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A row that a handler wrote; `ordinal` grows in the order in which rows were written."""

    group: str
    event: str
    stream: str
    version: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A row of `bridge.parked`."""

    group: str
    event: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the checker looks at."""

    groups: tuple[str, ...]
    appends: tuple[Append, ...] = ()
    stored: tuple[Stored, ...] = ()
    published: tuple[Published, ...] = ()
    effects: tuple[Effect, ...] = ()
    parked: tuple[Parked, ...] = ()
    begun: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """(group, event) of each handler that a member noted to begin."""


def appends_of(lines: Iterable[Mapping[str, Any]]) -> tuple[Append, ...]:
    """Join what writers invoked with what came of it; no word is UNKNOWN."""
    lines = list(lines)
    outcomes = {line["call"]: line["at"] for line in lines if line["at"] in (OK, FAILED, UNKNOWN)}
    return tuple(
        Append(
            line["stream"],
            line["after"],
            tuple(line["tokens"]),
            outcomes.get(line["call"], UNKNOWN),
        )
        for line in lines
        if line["at"] == "invoke"
    )


def begun_of(lines: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """What consumers noted before their handlers ran."""
    return frozenset((line["group"], line["event"]) for line in lines if line["at"] == "begin")
