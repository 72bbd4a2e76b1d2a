"""Checks the store against its own seals."""

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from bridge.audit.findings import MOST, Finding, Kind, Report, place_text
from bridge.audit.log import Places
from bridge.audit.seals import BEGINNING, Head, fields, seal_hash
from bridge.audit.swaps import Mismatch, told_apart
from bridge.sql import queries

PAGE = 1000
SEAL_COLUMNS = 7
"""Of a row of `verify.seals`, before the event's own."""
BEFORE_ALL = -(2**63)
"""Chains begin at seq 1; a seal below was made by somebody else."""

Progress = Callable[[str, int, int], None]
"""Is told what is checked, how far it is, and how far it goes."""


async def check_chain(
    connection: asyncpg.Connection, report: Report, places: Places, progress: Progress
) -> None:
    """Recompute every seal from its event.

    `places` says what the log was found to hold. Reads in pages, in the snapshot that the
    connection's transaction has; up to 1000 events that don't fit are kept in memory.
    """
    sql = queries("verify")
    last = await connection.fetchval(sql["last"])
    walk = _Walk(report, places)
    seq = BEFORE_ALL
    while rows := await connection.fetch(sql["seals"], seq, PAGE):
        for row in rows:
            walk.step(row)
        seq = rows[-1][0]
        progress("seals", seq, last)
    walk.end()


class _Walk:
    """One pass along the chain."""

    def __init__(self, report: Report, places: Places) -> None:
        self._report = report
        self._places = places
        self._last = BEGINNING
        self._mismatches: list[Mismatch] = []

    def step(self, row: Sequence[Any]) -> None:
        """Check one seal; whatever its rows hold, the next one is checked too."""
        try:
            self._check(row)
        except Exception as error:
            self._add(Kind.UNREADABLE, row, type(error).__name__)
        if row[0] > 0:
            self._last = Head(row[0], row[1], row[3])
        self._report.seals += 1

    def _check(self, row: Sequence[Any]) -> None:
        """See that it follows the last, fits its event, and where that was put."""
        seq, position, prev, made = row[0], row[1], row[2], row[3]
        values = row[SEAL_COLUMNS:]
        self._follows(seq, position, prev)
        if values[0] is None:
            self._add(Kind.REMOVED, row)
        elif seal_hash(prev, fields(values)) != made:
            self._mismatch(Mismatch(seq, prev, made, values))
        if row[4] is None:
            self._add(Kind.UNPUBLISHED, row)
        elif not self._places.seen(row[4], row[5], row[6]):
            self._add(Kind.NOT_ON_LOG, row)

    def end(self) -> None:
        """Name what does not fit, now that all of it is known."""
        for finding in told_apart(self._mismatches):
            self._report.add(finding)

    def _follows(self, seq: int, position: int, prev: bytes) -> None:
        missing = seq - self._last.seq - 1
        if missing > 0:
            detail = f"{missing} missing before it, after seq {self._last.seq}"
            self._report.add(Finding(Kind.SEAL_REMOVED, seq, position, detail=detail))
        elif missing or prev != self._last.hash:
            self._report.add(Finding(Kind.CHAIN_BROKEN, seq, position))

    def _mismatch(self, mismatch: Mismatch) -> None:
        self._mismatches.append(mismatch)
        if len(self._mismatches) > MOST:
            # So many are not two that were swapped: named now, so that memory stays flat.
            self.end()
            self._mismatches.clear()

    def _add(self, kind: Kind, row: Sequence[Any], detail: str = "") -> None:
        event = row[SEAL_COLUMNS:]
        self._report.add(
            Finding(
                kind,
                seq=row[0],
                position=row[1],
                stream=event[1] or "",
                version=event[2],
                type=event[3] or "",
                event_id=str(event[4] or ""),
                place=place_text(row[4:7]),
                detail=detail,
            )
        )
