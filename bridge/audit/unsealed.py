"""Looks for what the chain of seals does not lead to."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import asyncpg

from bridge.audit.findings import MOST, Finding, Kind, Report, place_text
from bridge.sql import queries

LONGEST_WAIT = timedelta(hours=1)
"""The relay takes the oldest first: no event waits so long while younger ones leave."""


async def check_unsealed(
    connection: asyncpg.Connection, report: Report, topics: Collection[str]
) -> None:
    """Find events without a seal, rows without an event, and events that are there twice.

    `topics`: those that this store publishes to. An event may wait in the outbox without a seal,
    but for one of them alone, and not for ever.
    """
    sql = queries("verify")
    for row in await connection.fetch(sql["unsealed"], MOST):
        kind = Kind.INSERTED if row["topic"] is None else Kind.UNSEALED
        place = place_text((row["topic"], row["partition"], row["record_offset"]))
        report.add(_finding(kind, row, place=place))
    for row in await connection.fetch(sql["waiting"], list(topics), LONGEST_WAIT, MOST):
        kind = Kind.WAITING_TOO_LONG if row["known"] else Kind.UNKNOWN_TOPIC
        report.add(_finding(kind, row, detail=f"topic {row['topic']}"))
    for query, kind in (("dangling", Kind.REMOVED), ("shared", Kind.NOT_ON_LOG)):
        for position, *place in await connection.fetch(sql[query], MOST):
            report.add(Finding(kind, position=position, place=place_text(place)))
    await _duplicates(connection, report)


async def _duplicates(connection: asyncpg.Connection, report: Report) -> None:
    for row in await connection.fetch(queries("verify")["duplicates"], MOST):
        report.add(
            Finding(
                Kind.DUPLICATED,
                position=row["position"],
                stream=row["stream"] or "",
                version=row["version"],
                event_id=row["event_id"] or "",
                detail=f"its {row['what']}",
            )
        )


def _finding(kind: Kind, row: Any, *, place: str = "", detail: str = "") -> Finding:
    return Finding(
        kind,
        position=row["position"],
        stream=row["stream"] or "",
        version=row["version"],
        type=row["type"] or "",
        event_id=str(row["event_id"] or ""),
        place=place,
        detail=detail,
    )
