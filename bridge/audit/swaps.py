"""Tells two events that exchanged something from two that were changed each."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from bridge.audit.findings import Finding, Kind
from bridge.audit.seals import COLUMNS, fields, seal_hash

MOST_PAIRED = 150
"""Every pair is tried: 11,000 pairs in some seconds. More are called altered, each."""

_NAMES = tuple(column.name for column in COLUMNS)
_EXCHANGES: tuple[tuple[str, ...], ...] = (
    _NAMES[1:],
    *((name,) for name in _NAMES[1:]),
    ("type", "data", "schema_id"),
    ("stream", "version"),
    _NAMES,
)
"""What two rows may have exchanged: all (so they changed places), one column, or what belongs
together; the last: it is the seals that name each other's event."""


class Mismatch(NamedTuple):
    """A seal that does not fit its event."""

    seq: int
    prev: bytes
    hash: bytes
    values: Sequence[Any]
    """The event's columns, as `COLUMNS`."""


def told_apart(mismatches: Sequence[Mismatch]) -> Iterator[Finding]:
    """Name each: SWAPPED where exchanging something back makes both fit, else ALTERED."""
    partners: dict[int, tuple[Mismatch, str]] = {}
    if len(mismatches) <= MOST_PAIRED:
        for one, other in combinations(mismatches, 2):
            what = _exchanged(one, other)
            if what:
                partners[one.seq] = (other, what)
                partners[other.seq] = (one, what)
    for mismatch in mismatches:
        yield _finding(mismatch, partners.get(mismatch.seq))


def _exchanged(one: Mismatch, other: Mismatch) -> str:
    for names in _EXCHANGES:
        if _fits(one, other, names) and _fits(other, one, names):
            return "all but their positions" if names == _NAMES[1:] else ", ".join(names)
    return ""


def _fits(mismatch: Mismatch, other: Mismatch, names: tuple[str, ...]) -> bool:
    mended = [
        theirs if name in names else ours
        for name, ours, theirs in zip(_NAMES, mismatch.values, other.values, strict=True)
    ]
    return seal_hash(mismatch.prev, fields(mended)) == mismatch.hash


def _finding(mismatch: Mismatch, partner: tuple[Mismatch, str] | None) -> Finding:
    said = dict(zip(_NAMES, mismatch.values, strict=True))
    detail = ""
    if partner is not None:
        other, what = partner
        detail = f"with position {other.values[0]} (seq {other.seq}): {what}"
    return Finding(
        Kind.SWAPPED if partner is not None else Kind.ALTERED,
        seq=mismatch.seq,
        position=said["position"],
        stream=said["stream"] or "",
        version=said["version"],
        event_id=str(said["event_id"]),
        type=said["type"] or "",
        detail=detail,
    )
