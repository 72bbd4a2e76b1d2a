"""What waits for Kafka: pages of the outbox, as records, and their acknowledgements."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg

from bridge.catalog import Catalog
from bridge.codec import headers, wire_prefix
from bridge.event import Origin
from bridge.kafka.producer import Producer
from bridge.kafka.record import Ack, Headers
from bridge.sql import queries

PAGE = 500


class Outgoing(NamedTuple):
    """One record to send, and the position of its event."""

    position: int
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Sending:
    """One page on its way."""

    def __init__(self, positions: list[int], places: list[asyncio.Future[Ack]]) -> None:
        self.positions = positions
        self._places = places

    async def acknowledged(self) -> list[tuple[int, Ack]]:
        """Wait until the brokers have all of it; the first failure is raised."""
        return [
            (position, await place)
            for position, place in zip(self.positions, self._places, strict=True)
        ]

    def forget(self) -> None:
        """Give up waiting, so that nobody misses the errors of what was abandoned."""
        for place in self._places:
            place.cancel()


class Outbox:
    """Reads and empties `bridge.outbox`."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._source = source
        self._sql = queries("relay")

    async def page(
        self, connection: asyncpg.Connection, flying: Iterable[Sending]
    ) -> Sequence[asyncpg.Record]:
        """Read the next events, without those in flight; empty if there are none."""
        without = [position for sending in flying for position in sending.positions]
        rows: Sequence[asyncpg.Record] = await connection.fetch(self._sql["page"], without, PAGE)
        return rows

    async def remove(
        self, connection: asyncpg.Connection, places: Sequence[tuple[int, Ack]]
    ) -> None:
        """Take acknowledged events out and record where they went."""
        await connection.execute(
            self._sql["acknowledged"],
            [position for position, _ in places],
            [ack.topic for _, ack in places],
            [ack.partition for _, ack in places],
            [ack.offset for _, ack in places],
        )

    def records(self, rows: Sequence[asyncpg.Record]) -> list[Outgoing]:
        """Make the records of a page, in its order."""
        return [self._record(row) for row in rows]

    def _record(self, row: asyncpg.Record) -> Outgoing:
        event_type = self._catalog[row["type"]]
        stream = row["stream"]
        origin = Origin(
            actor=row["actor"],
            correlation_id=row["correlation_id"],
            causation_id=row["causation_id"],
            traceparent=row["traceparent"],
        )
        return Outgoing(
            row["position"],
            row["topic"],
            stream.partition("/")[2].encode(),
            wire_prefix(row["schema_id"], event_type.indexes) + row["data"],
            headers(
                str(row["event_id"]),
                event_type,
                self._source,
                stream,
                row["version"],
                row["time"],
                row["schema_version"],
                origin,
            ),
        )


async def send(producer: Producer, records: Sequence[Outgoing]) -> Sending:
    """Hand a page to the producer, in order."""
    places = [
        await producer.send(record.topic, record.key, record.value, record.headers)
        for record in records
    ]
    return Sending([record.position for record in records], places)
