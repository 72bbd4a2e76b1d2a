"""Compares the log on Kafka with the store, record by record."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg

from bridge.audit.findings import Finding, Kind, Report
from bridge.audit.seals import moment
from bridge.events.catalog import Catalog
from bridge.events.codec import header, headers
from bridge.events.event import Origin
from bridge.events.outside import source_of
from bridge.events.wire import wire_prefix
from bridge.kafka.record import Partition, Record
from bridge.kafka.span import Span
from bridge.sql import queries

PAGE = 1000
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VERSION = re.compile(r"/versions/([0-9]{1,9})$")


class Places:
    """At which places of the log the event that was published there was seen: one bit a record."""

    def __init__(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        self._starts = starts
        self._bits = {one: bytearray((end - starts[one]) // 8 + 1) for one, end in ends.items()}

    def see(self, place: Partition, offset: int) -> None:
        """Note one."""
        at = offset - self._starts[place]
        self._bits[place][at >> 3] |= 1 << (at & 7)

    def seen(self, topic: str, partition: int, offset: int) -> bool:
        """Whether it was; False too for what is not on the log at all."""
        place = Partition(topic, partition)
        bits = self._bits.get(place)
        at = offset - self._starts.get(place, 0)
        return bits is not None and 0 <= at >> 3 < len(bits) and bool(bits[at >> 3] & 1 << (at & 7))


class LogCheck:
    """One pass over the log of one store."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        catalog: Catalog,
        report: Report,
        older: Mapping[Partition, int],
    ) -> None:
        """`older`: offsets below which every record was stored before the connection's snapshot."""
        self._connection = connection
        self._catalog = catalog
        self._report = report
        self._older = older

    async def run(
        self,
        span: Span,
        ends: Mapping[Partition, int],
        progress: Callable[[str, int, int], None],
    ) -> Places:
        """Compare everything below `ends`; `ends` must be younger than the snapshot."""
        at = await span.starts()
        places = Places(at, ends)
        total = sum(end - at[one] for one, end in ends.items())
        left = total
        while left > 0:
            records, at = await span.read(at, ends, PAGE)
            await self._compare(records, places)
            left = sum(end - at[one] for one, end in ends.items())
            progress("records", total - left, total)
        return places

    async def _compare(self, records: Sequence[Record], places: Places) -> None:
        ids = [header(record.headers, "ce_id") for record in records]
        wanted = list({one for one in ids if UUID.fullmatch(one)})
        rows = await self._connection.fetch(queries("verify")["by_id"], wanted)
        stored = {str(row["event_id"]): row for row in rows}
        for event_id, record in zip(ids, records, strict=True):
            self._report.records += 1
            self._judge(record, event_id, stored.get(event_id), places)

    def _judge(self, record: Record, event_id: str, row: Any, places: Places) -> None:
        where = Partition(record.topic, record.partition)
        if row is None:
            # Whose place it is: that event is missing from the store, not from the log.
            places.see(where, record.offset)
            if record.offset < self._older.get(where, 0):
                self._report.add(_finding(Kind.NOT_STORED, record, event_id, ""))
            else:
                self._report.in_flight += 1
            return
        at_its_place = (row["topic"], row["partition"], row["record_offset"]) == (
            *where,
            record.offset,
        )
        try:
            difference = self._difference(record, row)
        except Exception as error:
            # Whatever a row or a record holds: it is named, and the check goes on.
            difference = f"they can't be compared: {type(error).__name__}"
        if difference:
            self._report.add(_finding(Kind.LOG_DIFFERS, record, event_id, difference, row))
        elif row["topic"] is None:
            self._report.in_flight += 1
        elif not at_its_place:
            self._report.duplicates += 1
        if at_its_place:
            # What differs is named once, and is not missing too.
            places.see(where, record.offset)

    def _difference(self, record: Record, row: Any) -> str:
        """Name what of a record is not as the store has it; empty if all is."""
        if record.key != row["stream"].partition("/")[2].encode():
            return "key"
        event_type = self._catalog.get(row["type"])
        if event_type is None:
            return "type"
        if record.value != wire_prefix(row["schema_id"], event_type.indexes) + row["data"]:
            return "value"
        version = VERSION.search(header(record.headers, "ce_dataschema"))
        origin = Origin(
            actor=row["actor"],
            correlation_id=row["correlation_id"],
            causation_id=row["causation_id"],
            traceparent=row["traceparent"],
        )
        expected = headers(
            str(row["event_id"]),
            event_type,
            source_of(row["causation_id"], self._report.source),
            row["stream"],
            row["version"],
            moment(row["time"]),
            # Which version of its subject the schema was is known to the registry alone.
            int(version[1]) if version else 0,
            origin,
        )
        return _unequal(dict(expected), dict(record.headers), len(record.headers))


def _unequal(expected: Mapping[str, Any], found: Mapping[str, Any], count: int) -> str:
    if expected == found and count == len(found):
        return ""
    names = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    return "headers " + (", ".join(names) or "given twice")


def _finding(kind: Kind, record: Record, event_id: str, detail: str, row: Any = None) -> Finding:
    return Finding(
        kind,
        position=row["position"] if row else None,
        stream=row["stream"] if row else header(record.headers, "ce_subject"),
        version=row["version"] if row else None,
        type=row["type"] if row else header(record.headers, "ce_type"),
        event_id=event_id,
        place=f"{record.topic}/{record.partition}/{record.offset}",
        detail=detail,
    )
