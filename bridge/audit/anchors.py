"""Checks the store's seals against the heads on Kafka, which nobody can take back."""

from collections.abc import Mapping

import asyncpg

from bridge.audit.findings import Finding, Kind, Report
from bridge.audit.heads import owner_of, read_head
from bridge.audit.seals import Head
from bridge.kafka.record import Partition, Record
from bridge.kafka.span import Span
from bridge.sql import queries

PAGE = 1000


class _Heads:
    """What the heads of one store say, as they are read."""

    def __init__(self) -> None:
        self.count = 0
        self.agreed = 0
        self.highest: Head | None = None
        self.wrong: Head | None = None
        self.wrong_count = 0

    def take(self, head: Head, seal: asyncpg.Record | None) -> None:
        """Compare a head with the seal of its seq. A seal that is missing is found elsewhere."""
        self.count += 1
        if self.highest is None or head.seq > self.highest.seq:
            self.highest = head
        if seal is None:
            return
        if (seal["position"], seal["hash"]) == (head.position, head.hash):
            self.agreed = max(self.agreed, head.seq)
            return
        self.wrong_count += 1
        if self.wrong is None or head.seq < self.wrong.seq:
            self.wrong = head


async def check_anchors(
    connection: asyncpg.Connection,
    report: Report,
    span: Span,
    ends: Mapping[Partition, int],
) -> None:
    """Compare every head of this store below `ends` with the seal of its seq.

    `ends` must be older than the connection's snapshot: a head is sent after its seal is
    committed, so what it names is there.
    """
    sql = queries("verify")
    key = owner_of(report.source).encode()
    heads, at = _Heads(), await span.starts()
    while any(at[one] < end for one, end in ends.items()):
        records, at = await span.read(at, ends, PAGE)
        ours = [record for record in records if record.key == key]
        found = [head for record in ours if (head := _head(record, report)) is not None]
        rows = await connection.fetch(sql["hashes"], [head.seq for head in found])
        seals = {row["seq"]: row for row in rows}
        for head in found:
            heads.take(head, seals.get(head.seq))
    report.heads = heads.count
    report.anchored = heads.agreed
    _judge(report, heads, await connection.fetchval(sql["last"]))


def _head(record: Record, report: Report) -> Head | None:
    """Read a head of this store. What is none is a finding: any service may write the topic."""
    try:
        return read_head(record.value or b"")
    except ValueError as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        report.add(Finding(Kind.BAD_HEAD, place=place, detail=str(error)[:100]))
        return None


def _judge(report: Report, heads: _Heads, last: int) -> None:
    if heads.wrong is not None:
        detail = (
            f"the heads agree up to seq {heads.agreed}; {heads.wrong_count} disagree, "
            f"the first at seq {heads.wrong.seq}"
        )
        report.add(Finding(Kind.RECOMPUTED, heads.wrong.seq, heads.wrong.position, detail=detail))
    if heads.highest is not None and heads.highest.seq > last:
        detail = f"the last seal is seq {last}, the last head seq {heads.highest.seq}"
        report.add(Finding(Kind.TAIL_CUT, last + 1, detail=detail))
