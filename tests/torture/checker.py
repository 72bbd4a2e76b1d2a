"""The promises of the bridge as pure functions from evidence to violations.

acknowledged ⊆ stored ⊆ published ⊆ handled or parked; one effect per event and group; versions
per key 1..n in order; nothing published that was never stored; nothing past a parked event.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.torture.evidence import FAILED, OK, Evidence, Published

SHOWN = 8
"""Events that are named of one violation."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise and the events (or tokens) that show it."""

    rule: str
    events: tuple[str, ...]

    def __str__(self) -> str:
        more = len(self.events) - SHOWN
        names = ", ".join(self.events[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"{self.rule}: {names}"


Rule = Callable[[Evidence], Iterable[str]]


def check(evidence: Evidence) -> list[Violation]:
    """List every promise that does not hold; empty: all do."""
    found = ((name, tuple(dict.fromkeys(rule(evidence)))) for name, rule in RULES.items())
    return [Violation(name, events) for name, events in found if events]


def lost_acknowledged(evidence: Evidence) -> Iterator[str]:
    """An append that its caller was told of, and that is not there as it was told."""
    there = {one.token: (one.stream, one.version) for one in evidence.stored}
    for append in evidence.appends:
        if append.outcome == OK:
            for version, token in enumerate(append.tokens, start=append.after + 1):
                if there.get(token) != (append.stream, version):
                    yield token


def stored_out_of_nowhere(evidence: Evidence) -> Iterator[str]:
    """An event that nobody tried to append, or whose transaction was rolled back."""
    possible = {token for one in evidence.appends if one.outcome != FAILED for token in one.tokens}
    return (one.event for one in evidence.stored if one.token not in possible)


def half_an_append(evidence: Evidence) -> Iterator[str]:
    """Some events of one append without the others."""
    there = {one.token for one in evidence.stored}
    for append in evidence.appends:
        missing = [token for token in append.tokens if token not in there]
        if 0 < len(missing) < len(append.tokens):
            yield from missing


def stored_with_a_gap(evidence: Evidence) -> Iterator[str]:
    """A stream whose versions are not 1..n, each once."""
    streams = _by_stream((one.stream, one.version, one.event) for one in evidence.stored)
    for rows in streams.values():
        if sorted(version for version, _ in rows) != list(range(1, len(rows) + 1)):
            yield from (event for _, event in rows)


def never_published(evidence: Evidence) -> Iterator[str]:
    """A stored event that is not on the log."""
    there = {one.event for one in evidence.published}
    return (one.event for one in evidence.stored if one.event not in there)


def never_stored(evidence: Evidence) -> Iterator[str]:
    """A record of an event that is not in the store, or is another one there."""
    there = {(one.event, one.stream, one.version) for one in evidence.stored}
    for one in evidence.published:
        if (one.event, one.stream, one.version) not in there:
            yield one.event


def key_on_two_partitions(evidence: Evidence) -> Iterator[str]:
    """A record beside the partition of its key: nobody could keep it in order."""
    home: dict[str, int] = {}
    for one in evidence.published:
        if home.setdefault(one.stream, one.partition) != one.partition:
            yield one.event


def published_out_of_order(evidence: Evidence) -> Iterator[str]:
    """A first arrival on the log that is not the next version of its key."""
    first = _first_arrivals(evidence.published)
    return _out_of_order((one.stream, one.version, one.event) for one in first)


def neither_handled_nor_parked(evidence: Evidence) -> Iterator[str]:
    """A record that a group neither handled nor parked."""
    settled = {(one.group, one.event) for one in evidence.effects}
    settled |= {(one.group, one.event) for one in evidence.parked}
    for group in evidence.groups:
        for one in evidence.published:
            if (group, one.event) not in settled:
                yield one.event


def handled_twice(evidence: Evidence) -> Iterator[str]:
    """An event with more than one effect in a group."""
    counts = Counter((one.group, one.event) for one in evidence.effects)
    return (event for (_, event), count in counts.items() if count > 1)


def handled_and_parked(evidence: Evidence) -> Iterator[str]:
    """An event that has its effect and is parked still."""
    handled = {(one.group, one.event) for one in evidence.effects}
    return (one.event for one in evidence.parked if (one.group, one.event) in handled)


def handled_out_of_nowhere(evidence: Evidence) -> Iterator[str]:
    """An effect of an event that is not on the log, or whose handler nobody saw begin."""
    there = {one.event for one in evidence.published}
    for one in evidence.effects:
        if one.event not in there or (one.group, one.event) not in evidence.begun:
            yield one.event


def handled_out_of_order(evidence: Evidence) -> Iterator[str]:
    """The first effect of an event that does not follow the one before it in its key.

    So it also finds a later event that passed an earlier one while that was parked, after the
    redrive.
    """
    for group in evidence.groups:
        own = sorted(
            (one for one in evidence.effects if one.group == group), key=lambda one: one.ordinal
        )
        first = {one.event: one for one in reversed(own)}
        rows = sorted(first.values(), key=lambda one: one.ordinal)
        yield from _out_of_order((one.stream, one.version, one.event) for one in rows)


def passed_a_parked_one(evidence: Evidence) -> Iterator[str]:
    """An effect of an event that is later than one of its key that is parked."""
    versions = {one.event: (one.stream, one.version) for one in evidence.published}
    held: dict[tuple[str, str], int] = {}
    for parked in evidence.parked:
        if parked.event in versions:
            stream, version = versions[parked.event]
            at = (parked.group, stream)
            held[at] = min(version, held.get(at, version))
    for one in evidence.effects:
        if one.version > held.get((one.group, one.stream), one.version):
            yield one.event


RULES: dict[str, Rule] = {
    "acknowledged, not stored": lost_acknowledged,
    "stored, never appended": stored_out_of_nowhere,
    "half of an append stored": half_an_append,
    "stored with a gap": stored_with_a_gap,
    "stored, not published": never_published,
    "published, never stored": never_stored,
    "published beside its partition": key_on_two_partitions,
    "published out of order": published_out_of_order,
    "published, neither handled nor parked": neither_handled_nor_parked,
    "handled twice": handled_twice,
    "handled and parked": handled_and_parked,
    "handled, never published or begun": handled_out_of_nowhere,
    "handled out of order": handled_out_of_order,
    "handled past a parked one": passed_a_parked_one,
}


def _first_arrivals(published: Sequence[Published]) -> list[Published]:
    """Without what was sent again: that the bridge may do, and consumers drop it."""
    seen: dict[str, Published] = {}
    for one in sorted(published, key=lambda one: (one.partition, one.offset)):
        seen.setdefault(one.event, one)
    return list(seen.values())


def _out_of_order(rows: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    """Events whose version is not one more than that of the row before, per stream."""
    for versions in _by_stream(rows).values():
        for (before, _), (version, event) in pairwise([(0, ""), *versions]):
            if version != before + 1:
                yield event


def _by_stream(rows: Iterable[tuple[str, int, str]]) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for stream, version, event in rows:
        found[stream].append((version, event))
    return found
