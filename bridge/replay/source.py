"""Where a replay reads: pages of events, from the service's own store or from Kafka."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import asyncpg

from bridge.errors import OutOfRange
from bridge.events.catalog import Catalog
from bridge.events.codec import decode, header
from bridge.events.event import Event
from bridge.kafka.record import Partition, Record
from bridge.kafka.span import Span
from bridge.sql import queries
from bridge.store.cursor import Cursor
from bridge.store.reading import Reader, Selection

SKEW = timedelta(minutes=10)
"""A record is written after its event; by two clocks, so look from somewhat earlier on."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order per key, and where to go on."""

    events: Sequence[Event]
    at: str
    more: bool
    """False: there was nothing more up to the end."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What the group was told to give up: it is passed over."""

    places: frozenset[tuple[str, int, int]] = frozenset()
    """Topic, partition, offset."""
    ids: frozenset[str] = frozenset()


async def given_up(connection: asyncpg.Connection, group: str) -> GivenUp:
    """Read what was discarded."""
    rows = await connection.fetch(queries("replay")["given_up"], group)
    return GivenUp(
        frozenset((row["topic"], row["partition"], row["record_offset"]) for row in rows),
        frozenset(row["event_id"] for row in rows if row["event_id"] is not None),
    )


class Source(Protocol):
    """Two calls; both places are texts of the source's own, and an empty one is the beginning."""

    async def end(self, connection: asyncpg.Connection) -> str:
        """Give the end as it is now."""

    async def page(self, connection: asyncpg.Connection, at: str, end: str, limit: int) -> Page:
        """Read what comes after `at`, up to `end`; at most `limit` events."""


class StoreSource:
    """The service's own store. Late commits are not missed: see `Reader`."""

    def __init__(
        self, reader: Reader, selection: Selection, given_up: GivenUp, *, bounded: bool
    ) -> None:
        """`bounded`: up to what is there when `end` is asked; else as far as there is anything."""
        self._reader = reader
        self._selection = selection
        self._given_up = given_up.ids
        self._bounded = bounded

    async def end(self, connection: asyncpg.Connection) -> str:
        """Give the last position, if there is to be an end."""
        if not self._bounded:
            return ""
        last: int = await connection.fetchval(queries("replay")["last_position"])
        return str(min(last, self._selection.end_position or last))

    async def page(self, connection: asyncpg.Connection, at: str, end: str, limit: int) -> Page:
        """Read on in order of position."""
        selection = replace(self._selection, end_position=int(end)) if end else self._selection
        cursor = Cursor.from_json(at) if at else Cursor()
        events, cursor = await self._reader.page(connection, selection, cursor, limit)
        more = len(events) == limit
        if self._given_up:
            events = [event for event in events if event.id not in self._given_up]
        return Page(events, cursor.to_json(), more)


class KafkaSource:
    """The log. An offset is given once, so nothing is missed below the ends."""

    def __init__(
        self, span: Span, catalog: Catalog, selection: Selection, given_up: GivenUp, *, whole: bool
    ) -> None:
        """`selection.types` must name what is wanted; with `whole`, a log that was cut fails."""
        self._span = span
        self._catalog = catalog
        self._selection = selection
        self._types = catalog.stored_as(selection.types)
        self._given_up = given_up.places
        self._whole = whole

    async def end(self, connection: asyncpg.Connection) -> str:
        """Give the ends of the partitions."""
        return _write(await self._span.ends())

    async def page(self, connection: asyncpg.Connection, at: str, end: str, limit: int) -> Page:
        """Read on in order per partition. Undecodable names the record."""
        begun = _read(at) if at else await self._start()
        ends = _read(end)
        places = {one: begun.get(one, 0) for one in ends}
        records, after = await self._span.read(places, ends, limit)
        events = [decode(record, self._catalog) for record in records if self._wanted(record)]
        more = any(after[one] < place for one, place in ends.items())
        return Page([event for event in events if self._meant(event)], _write(after), more)

    async def _start(self) -> dict[Partition, int]:
        first = await self._span.starts()
        if self._whole and any(first.values()):
            raise OutOfRange("the log does not begin at offset 0 any more", reason="LOG_CUT")
        since = self._selection.start_time
        return first if since is None else await self._span.starts(since - SKEW)

    def _wanted(self, record: Record) -> bool:
        """Whether it must be decoded; a record without a type must be looked at."""
        name = header(record.headers, "ce_type")
        if name and name not in self._types:
            return False
        stream = self._selection.stream
        if stream and header(record.headers, "ce_subject") not in (stream, ""):
            return False
        return (record.topic, record.partition, record.offset) not in self._given_up

    def _meant(self, event: Event) -> bool:
        start, end = self._selection.start_time, self._selection.end_time
        return (start is None or event.time >= start) and (end is None or event.time < end)


def _write(offsets: dict[Partition, int]) -> str:
    return json.dumps({f"{one.topic}/{one.partition}": at for one, at in offsets.items()})


def _read(text: str) -> dict[Partition, int]:
    return {_partition(name): at for name, at in json.loads(text).items()}


def _partition(name: str) -> Partition:
    topic, _, number = name.rpartition("/")
    return Partition(topic, int(number))
