"""How far a reader of the store has come: the last position, and the ones below it still open.

A position is taken at insert and becomes visible at commit, so a reader that has seen 7 may still
get a 6. A cursor therefore remembers the positions that were missing when it passed them, each
with the transactions that could still fill it. Once those are over and the position was asked for
again, it will never be there (its append was rolled back), and is forgotten: so a cursor holds no
more than what the transactions of one moment left open.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Gap:
    """Positions `low` to `high`, both included, that were missing."""

    low: int
    high: int
    writers: frozenset[str]
    """Virtual transaction ids of those that may fill it; empty: nobody, from the next read on."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to read on. The default is the start of the store. Immutable."""

    position: int = 0
    """The last one that was passed: all later ones are still to come."""
    known: int = 0
    """Up to here each position is visible, in `gaps`, or never to be."""
    gaps: tuple[Gap, ...] = ()

    def to_json(self) -> str:
        """Write it down, for a table or a token; the text is stable for equal cursors."""
        gaps = [[gap.low, gap.high, sorted(gap.writers)] for gap in self.gaps]
        return json.dumps({"position": self.position, "known": self.known, "gaps": gaps})

    @classmethod
    def from_json(cls, text: str) -> "Cursor":
        """Read what `to_json` wrote; ValueError if it is anything else."""
        try:
            found = json.loads(text)
            gaps = tuple(Gap(int(a), int(b), frozenset(who)) for a, b, who in found["gaps"])
            return cls(int(found["position"]), int(found["known"]), gaps)
        except (KeyError, TypeError) as error:
            raise ValueError("not a cursor") from error


def surveyed(
    cursor: Cursor, known: int, missing: Iterable[tuple[int, int]], writers: frozenset[str]
) -> Cursor:
    """Take over a survey: `missing` ranges up to `known`, which only `writers` may fill.

    `writers` are all that are at work, so the ones that older gaps wait for and that are not among
    them are over.
    """
    newer = tuple(Gap(low, high, writers) for low, high in missing)
    older = settled(cursor, writers).gaps
    return replace(cursor, known=max(cursor.known, known), gaps=older + newer)


def settled(cursor: Cursor, writers: frozenset[str]) -> Cursor:
    """Forget those that are not among `writers`, who are all at work, after the gaps were noted.

    A gap that has none left is over. Above the cursor's position it is forgotten with them: the
    page that comes there is read later than this, and sees all that there will ever be.
    """
    left = [replace(gap, writers=gap.writers & writers) for gap in cursor.gaps]
    gaps = [
        gap if gap.writers else replace(gap, high=min(gap.high, cursor.position)) for gap in left
    ]
    return replace(cursor, gaps=tuple(gap for gap in gaps if gap.low <= gap.high))


def passed(cursor: Cursor, positions: Sequence[int], reach: int) -> Cursor:
    """Go on to `reach`, where `positions` were found (in order) and no other up to there.

    The gaps up to `reach` were asked for after their writers were looked at: what is still missing
    there and has none left is forgotten.
    """
    left = [part for gap in cursor.gaps for part in _without(gap, positions)]
    gaps = [gap if gap.writers else replace(gap, low=max(gap.low, reach + 1)) for gap in left]
    open_still = tuple(gap for gap in gaps if gap.low <= gap.high)
    return Cursor(max(cursor.position, reach), cursor.known, open_still)


def _without(gap: Gap, found: Sequence[int]) -> list[Gap]:
    """Give what is left of a gap; `found` in order."""
    inside = found[bisect_left(found, gap.low) : bisect_right(found, gap.high)]
    lows = [gap.low, *(one + 1 for one in inside)]
    highs = [*(one - 1 for one in inside), gap.high]
    pairs = zip(lows, highs, strict=True)
    return [replace(gap, low=low, high=high) for low, high in pairs if low <= high]
