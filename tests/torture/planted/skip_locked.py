"""Relays work side by side, each on rows that no other has locked: one passes the other."""

import asyncio
from itertools import pairwise

import asyncpg

from bridge.events.catalog import Catalog
from bridge.kafka.errors import KafkaError
from bridge.kafka.producer import Producer
from bridge.kafka.settings import KafkaSettings
from bridge.relay import relay
from bridge.relay.outbox import EMPTY, Outbox
from bridge.waiting import wait_any

POLL_SECONDS = 0.02
FREE = "SELECT position FROM bridge.outbox ORDER BY position LIMIT 20 FOR UPDATE SKIP LOCKED"
GONE = """
    WITH gone AS (DELETE FROM bridge.outbox WHERE position = ANY ($1::bigint[]))
    INSERT INTO bridge.published (position, topic, partition, record_offset)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[])
"""


class SkippingRelay:
    """Has the constructor and the `run` of the real `Relay`, and no lock. It seals nothing."""

    def __init__(
        self, dsn: str, kafka: KafkaSettings, catalog: Catalog, source: str, *, seals: str
    ) -> None:
        self._dsn = dsn
        self._kafka = kafka
        self._outbox = Outbox(catalog, source)

    async def run(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self._dsn)
        producer = Producer(self._kafka)
        try:
            await producer.start()
            while not stop.is_set():
                async with connection.transaction():
                    sent = await self._carry(connection, producer)
                await wait_any(0 if sent else POLL_SECONDS, stop)
        except (OSError, KafkaError) as error:
            raise SystemExit("the parts are whole in this plan") from error
        finally:
            await producer.abandon()
            connection.terminate()

    async def _carry(self, connection: asyncpg.Connection, producer: Producer) -> int:
        free = [row["position"] for row in await connection.fetch(FREE)]
        page = await self._outbox.page(connection, [EMPTY._replace(ranges=_all_but(free))])
        if page.positions:
            places = await (await producer.send_all(self._outbox.records(page))).places()
            columns = ([place[at] for place in places] for at in range(3))
            await connection.execute(GONE, page.positions, *columns)
        return len(page.positions)


def _all_but(positions: list[int]) -> str:
    """Ranges of all other positions; positions grow."""
    if not positions:
        return "(,)"
    between = (f"({one},{next_one})" for one, next_one in pairwise(positions))
    return ",".join((f"(,{positions[0]})", *between, f"({positions[-1]},)"))


def plant() -> None:
    relay.Relay = SkippingRelay  # type: ignore[assignment, misc]
