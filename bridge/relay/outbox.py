"""What waits for Kafka: pages of the outbox, as records, and their acknowledgements."""

from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

import asyncpg

from bridge.audit.seals import BEGINNING, Chain, Head
from bridge.events.catalog import Catalog
from bridge.events.codec import headers
from bridge.events.event import Origin
from bridge.events.outside import source_of
from bridge.events.wire import wire_prefix
from bridge.kafka.record import Ack, Outgoing
from bridge.sql import queries

PAGE = 500
PAGE_BYTES = 8 * 1024 * 1024
"""Pages in flight are held in memory, and each must be sent within a time."""


class Page(NamedTuple):
    """Events of the outbox, in order of position."""

    positions: list[int]
    fields: list[bytes]
    """What is sealed of each: see bridge/audit/seals.py."""
    rows: Sequence[asyncpg.Record]
    """What a record is made of."""
    ranges: str
    """The positions as the ranges of a PostgreSQL multirange, `[1,500],[502,502]`."""
    unknown: str = ""
    """The type that the next event after these has, if this process does not know it."""


EMPTY = Page([], [], (), "")


class Done(NamedTuple):
    """A page that the brokers have, and the chain that it goes to."""

    page: Page
    places: Sequence[Ack]
    chain: Chain


class Outbox:
    """Reads and empties `bridge.outbox`."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._source = source
        self._sql = queries("relay")

    async def page(
        self,
        connection: asyncpg.Connection,
        flying: Iterable[Page],
        done: Done | None = None,
        most: int = PAGE,
    ) -> Page:
        """Read the next events, at most `most`, without those in flight; empty if there are none.

        It ends before the first event of a type that is not in the catalog, and names it.
        `done`, which is one of those in flight, is taken out in the same statement: recorded
        where it went, and sealed.
        """
        if done is None:
            return await self._turn(connection, flying, most, [], [], BEGINNING, [])
        try:
            return await self._removed(connection, flying, most, done, frozenset())
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "seals_position_key":
                raise
        # Somebody queued events again that went long ago: they have their seals.
        found = await connection.fetch(self._sql["sealed"], done.page.positions)
        sealed = frozenset(row["position"] for row in found)
        return await self._removed(connection, flying, most, done, sealed)

    async def _removed(
        self,
        connection: asyncpg.Connection,
        flying: Iterable[Page],
        most: int,
        done: Done,
        sealed: frozenset[int],
    ) -> Page:
        page, places, chain = done
        new = [at for at, position in enumerate(page.positions) if position not in sealed]
        hashes = chain.hashes(page.fields[at] for at in new)
        given: list[bytes | None] = [None] * len(page.positions)
        for at, made in zip(new, hashes, strict=True):
            given[at] = made
        read = await self._turn(connection, flying, most, page.positions, places, chain.head, given)
        if hashes:
            chain.advance(page.positions[new[-1]], hashes)
        return read

    async def _turn(
        self,
        connection: asyncpg.Connection,
        flying: Iterable[Page],
        most: int,
        gone: Sequence[int],
        places: Sequence[Ack],
        head: Head,
        hashes: Sequence[bytes | None],
    ) -> Page:
        without = ",".join(page.ranges for page in flying if page.ranges)
        rows = await connection.fetch(
            self._sql["page"],
            f"{{{without}}}",
            most,
            gone,
            [place.topic for place in places],
            [place.partition for place in places],
            [place.offset for place in places],
            head.seq,
            head.hash,
            hashes,
            PAGE_BYTES,
        )
        known = list(takewhile(lambda row: self._catalog.get(row["type"]) is not None, rows))
        unknown = rows[len(known)]["type"] if len(known) < len(rows) else ""
        positions = [row[0] for row in known]
        return Page(positions, [row[1] for row in known], known, _ranges(positions), unknown)

    def records(self, page: Page) -> list[Outgoing]:
        """Make the records of a page, in its order."""
        return [self._record(row) for row in page.rows]

    def _record(self, row: asyncpg.Record) -> Outgoing:
        (
            _,
            _,
            topic,
            schema_version,
            stream,
            version,
            type_name,
            event_id,
            data,
            schema_id,
            time,
            actor,
            correlation_id,
            causation_id,
            traceparent,
        ) = row
        event_type = self._catalog[type_name]
        origin = Origin(actor, "", "", "", correlation_id, causation_id, traceparent)
        return Outgoing(
            topic,
            stream.partition("/")[2].encode(),
            wire_prefix(schema_id, event_type.indexes) + data,
            headers(
                str(event_id),
                event_type,
                source_of(causation_id, self._source),
                stream,
                version,
                time,
                schema_version,
                origin,
            ),
        )


def _ranges(positions: Sequence[int]) -> str:
    """Write growing numbers as ranges: as a list, those in flight would cost more than a page."""
    if not positions:
        return ""
    starts = [positions[0]]
    ends = []
    for before, number in pairwise(positions):
        if number != before + 1:
            ends.append(before)
            starts.append(number)
    ends.append(positions[-1])
    return ",".join(f"[{low},{high}]" for low, high in zip(starts, ends, strict=True))
