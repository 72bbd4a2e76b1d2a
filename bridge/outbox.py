"""What waits for Kafka: pages of the outbox, as records, and their acknowledgements."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import asyncpg

from bridge.audit.seals import Chain
from bridge.catalog import Catalog
from bridge.codec import headers, wire_prefix
from bridge.event import Origin
from bridge.kafka.record import Ack, Outgoing
from bridge.sql import queries

PAGE = 500


class Page(NamedTuple):
    """Events of the outbox, in order of position."""

    positions: list[int]
    fields: list[bytes]
    """What is sealed of each: see bridge/audit/seals.py."""
    rows: Sequence[asyncpg.Record]
    """What a record is made of."""
    ranges: str
    """The positions as the ranges of a PostgreSQL multirange, `[1,500],[502,502]`."""


EMPTY = Page([], [], (), "")


class Outbox:
    """Reads and empties `bridge.outbox`."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._source = source
        self._sql = queries("relay")

    async def page(self, connection: asyncpg.Connection, flying: Iterable[Page]) -> Page:
        """Read the next events, without those in flight; empty if there are none."""
        without = ",".join(page.ranges for page in flying if page.ranges)
        rows = await connection.fetch(self._sql["page"], f"{{{without}}}", PAGE)
        if not rows:
            return EMPTY
        positions = [row[0] for row in rows]
        return Page(positions, [row[1] for row in rows], rows, _ranges(positions))

    async def remove(
        self, connection: asyncpg.Connection, page: Page, places: Sequence[Ack], chain: Chain
    ) -> None:
        """Take acknowledged events out, record where they went, and seal them, in one statement."""
        try:
            await self._remove(connection, page, places, chain, frozenset())
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "seals_position_key":
                raise
            # Somebody queued events again that went long ago: they have their seals.
            found = await connection.fetch(self._sql["sealed"], page.positions)
            sealed = frozenset(row["position"] for row in found)
            await self._remove(connection, page, places, chain, sealed)

    async def _remove(
        self,
        connection: asyncpg.Connection,
        page: Page,
        places: Sequence[Ack],
        chain: Chain,
        sealed: frozenset[int],
    ) -> None:
        new = [at for at, position in enumerate(page.positions) if position not in sealed]
        hashes = chain.hashes(page.fields[at] for at in new)
        given: list[bytes | None] = [None] * len(page.positions)
        for at, made in zip(new, hashes, strict=True):
            given[at] = made
        await connection.execute(
            self._sql["acknowledged"],
            page.positions,
            [place.topic for place in places],
            [place.partition for place in places],
            [place.offset for place in places],
            chain.head.seq,
            chain.head.hash,
            given,
        )
        if hashes:
            chain.advance(page.positions[new[-1]], hashes)

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
                self._source,
                stream,
                version,
                time,
                schema_version,
                origin,
            ),
        )


def _ranges(positions: Sequence[int]) -> str:
    """Write growing numbers as ranges: as a list, those in flight would cost more than a page."""
    starts = [positions[0]]
    ends = []
    for before, number in pairwise(positions):
        if number != before + 1:
            ends.append(before)
            starts.append(number)
    ends.append(positions[-1])
    return ",".join(f"[{low},{high}]" for low, high in zip(starts, ends, strict=True))
