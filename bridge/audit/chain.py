"""Checks the store against its own seals."""

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from bridge.audit.findings import MOST, Finding, Kind, Report
from bridge.audit.log import Places
from bridge.audit.seals import BEGINNING, Head, fields, seal_hash
from bridge.audit.swaps import Mismatch, told_apart
from bridge.sql import queries

PAGE = 1000
SEAL_COLUMNS = 7
"""Of a row of `verify.seals`, before the event's own."""

Progress = Callable[[str, int, int], None]
"""Is told what is checked, how far it is, and how far it goes."""


async def check_chain(
    connection: asyncpg.Connection, report: Report, places: Places, progress: Progress
) -> None:
    """Recompute every seal from its event, and look for events without one.

    `places` says what the log was found to hold. Reads in pages, in the snapshot that the
    connection's transaction has; up to 1000 events that don't fit are kept in memory.
    """
    sql = queries("verify")
    last = await connection.fetchval(sql["last"])
    walk = _Walk(report, places)
    seq = 0
    while rows := await connection.fetch(sql["seals"], seq, PAGE):
        for row in rows:
            walk.step(row)
        seq = rows[-1][0]
        progress("seals", seq, last)
    walk.end()
    await _unsealed(connection, report)


class _Walk:
    """One pass along the chain."""

    def __init__(self, report: Report, places: Places) -> None:
        self._report = report
        self._places = places
        self._last = BEGINNING
        self._mismatches: list[Mismatch] = []

    def step(self, row: Sequence[Any]) -> None:
        """Check one seal: that it follows the last, fits its event, and where that was put."""
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
        self._last = Head(seq, position, made)
        self._report.seals += 1

    def end(self) -> None:
        """Name what does not fit, now that all of it is known."""
        for finding in told_apart(self._mismatches):
            self._report.add(finding)

    def _follows(self, seq: int, position: int, prev: bytes) -> None:
        missing = seq - self._last.seq - 1
        if missing:
            detail = f"{missing} missing before it, after seq {self._last.seq}"
            self._report.add(Finding(Kind.SEAL_REMOVED, seq, position, detail=detail))
        elif prev != self._last.hash:
            self._report.add(Finding(Kind.CHAIN_BROKEN, seq, position))

    def _mismatch(self, mismatch: Mismatch) -> None:
        self._mismatches.append(mismatch)
        if len(self._mismatches) > MOST:
            # So many are not two that were swapped: named now, so that memory stays flat.
            self.end()
            self._mismatches.clear()

    def _add(self, kind: Kind, row: Sequence[Any]) -> None:
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
            )
        )


async def _unsealed(connection: asyncpg.Connection, report: Report) -> None:
    """Look for what should have a seal and has none."""
    sql = queries("verify")
    for row in await connection.fetch(sql["unsealed"], MOST):
        report.add(
            Finding(
                Kind.INSERTED if row["topic"] is None else Kind.UNSEALED,
                position=row["position"],
                stream=row["stream"],
                version=row["version"],
                type=row["type"],
                event_id=str(row["event_id"]),
                place=place_text((row["topic"], row["partition"], row["record_offset"])),
            )
        )
    for query, kind in (("dangling", Kind.REMOVED), ("shared", Kind.NOT_ON_LOG)):
        for position, *place in await connection.fetch(sql[query], MOST):
            report.add(Finding(kind, position=position, place=place_text(place)))


def place_text(place: Sequence[Any]) -> str:
    """Write `topic/partition/offset`; empty where it is not known."""
    return "" if None in place else "/".join(map(str, place))
