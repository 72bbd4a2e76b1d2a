"""What a check of history can find, and where."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST = 1000
"""Findings of one kind that are listed; more are counted."""
MOST_SHOWN = 300
"""Characters of one thing of a finding that a person is shown."""


class Kind(StrEnum):
    """What is wrong. The value says what it means."""

    ALTERED = "the event is not what was sealed: one of its columns was changed"
    SWAPPED = "two events have exchanged what they hold"
    REMOVED = "an event that was there is gone"
    INSERTED = "the event never went through the relay: somebody put it into the table"
    UNSEALED = "the event was published, but has no seal: its seal was removed or never made"
    UNPUBLISHED = "the event has a seal, but nothing says where it was published"
    SEAL_REMOVED = "seals are missing within the chain"
    CHAIN_BROKEN = "the seal does not follow the one before it: one of the two was changed"
    TAIL_CUT = "Kafka has a head beyond the last seal: the end of the chain was cut off"
    RECOMPUTED = "Kafka has another head for this seal: the chain was made anew"
    LOG_DIFFERS = "the record on Kafka is not what the store holds"
    NOT_ON_LOG = "the record is not where it was published"
    NOT_STORED = "the record on Kafka has no event in the store"
    STRUCTURE_CHANGED = (
        "a table of history is not as the migrations made it: it may hide or add rows"
    )
    DUPLICATED = "several events have one position, one id, or one version of a stream"
    UNKNOWN_TOPIC = "the event waits for a topic to which this store does not publish"
    WAITING_TOO_LONG = "the event still waits, although a younger one left more than an hour ago"
    BAD_HEAD = "a record with the key of this store's heads is none"
    UNREADABLE = "the check fails here: what it reads is not what a bridge writes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. Empty or None where it has no such thing, or nobody knows it."""

    kind: Kind
    seq: int | None = None
    """Of the seal."""
    position: int | None = None
    stream: str = ""
    version: int | None = None
    event_id: str = ""
    type: str = ""
    place: str = ""
    """`topic/partition/offset` on Kafka."""
    detail: str = ""

    def fields(self) -> dict[str, Any]:
        """Give what is known, for a program to read."""
        found = {
            "kind": self.kind.name,
            "meaning": self.kind.value,
            "seq": self.seq,
            "position": self.position,
            "stream": self.stream,
            "version": self.version,
            "eventId": self.event_id,
            "type": self.type,
            "place": self.place,
            "detail": self.detail,
        }
        return {name: value for name, value in found.items() if value not in (None, "")}

    def __str__(self) -> str:
        known = self.fields()
        del known["meaning"]
        where = " ".join(f"{name}={_shown(it)}" for name, it in known.items() if name != "kind")
        return f"{self.kind.name}: {self.kind.value} ({where})"


@dataclass(slots=True)
class Report:
    """What a check of one store saw and found."""

    source: str
    seals: int = 0
    """Seals that were checked against their events."""
    heads: int = 0
    """Heads on Kafka that were checked against their seals."""
    anchored: int = 0
    """`seq` up to which Kafka has a head: what lies behind it is proven by the store alone."""
    records: int = 0
    """Records on Kafka that were compared with the store."""
    duplicates: int = 0
    """Records that say again what one at the recorded place says. Allowed: consumers drop them."""
    in_flight: int = 0
    """Records of events whose acknowledgement was not recorded yet, or younger than the check."""
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    """Findings by kind, with those that are not listed."""

    def add(self, finding: Finding) -> None:
        """Note a finding; of each kind the first 1000 are listed."""
        self.counts[finding.kind] += 1
        if self.counts[finding.kind] <= MOST:
            self.findings.append(finding)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def place_text(place: Sequence[Any]) -> str:
    """Write `topic/partition/offset`; empty where it is not known."""
    return "" if None in place else "/".join(map(str, place))


def _shown(value: Any) -> str:
    """Write it on one line: who tampers chooses names, and must not write lines of the report."""
    text = str(value)[:MOST_SHOWN]
    return text if text.isprintable() else text.encode("unicode_escape").decode()
