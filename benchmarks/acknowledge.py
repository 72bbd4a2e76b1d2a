"""How soon an event that is committed is acknowledged by the brokers, beside bare aiokafka."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import cast

import asyncpg

from benchmarks.append import ORIGIN, confirmed
from benchmarks.harness import Row, Target, in_turns
from benchmarks.parts import SOURCE, Bench, catalog_on, store_on
from benchmarks.peers.kafka import bare_producer, send_one
from benchmarks.relay import published, recorded
from bridge.audit.beginning import find_chain
from bridge.events.catalog import Catalog
from bridge.kafka.batches import Sent
from bridge.kafka.producer import Producer
from bridge.kafka.record import Outgoing
from bridge.relay.outbox import Outbox
from bridge.relay.pump import Pump
from bridge.relay.relay import CHANNEL
from causeway.orders.v1 import events_pb2 as orders

ROUNDS = 5
SINGLES = 200


class Watched:
    """A producer that says when the brokers have what it was last given."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.acknowledged = asyncio.Event()

    async def send_all(self, records: Sequence[Outgoing]) -> Sent:
        """Send as the producer does."""
        sent = await self._producer.send_all(records)
        sent.done.add_done_callback(lambda _: self.acknowledged.set())
        return sent


async def acknowledge(bench: Bench) -> Sequence[Row]:
    """One event at a time: ms from its commit until the brokers have it, the median."""
    async with bench.database() as database, bench.topic() as topic:
        catalog = catalog_on(topic, orders)
        store = store_on(catalog)
        connection = await asyncpg.connect(database.dsn)
        records = await recorded(connection, catalog, 1, SINGLES)
        async with (
            _pumping(bench, database.dsn, catalog) as watched,
            bare_producer(bench.kafka) as producer,
        ):

            async def ours() -> float:
                taken = []
                for _ in range(SINGLES):
                    watched.acknowledged.clear()
                    order = uuid.uuid4().hex
                    [event] = await store.append(
                        connection, f"orders/{order}", 0, [confirmed(order)], ORIGIN
                    )
                    began = time.perf_counter()
                    await watched.acknowledged.wait()
                    taken.append(time.perf_counter() - began)
                    await published(connection, event.position or 0, 0.001)
                return 1000 * median(taken)

            async def theirs() -> float:
                taken = []
                for record in records:
                    began = time.perf_counter()
                    await send_one(producer, record)
                    taken.append(time.perf_counter() - began)
                return 1000 * median(taken)

            await ours()
            rounds = await in_turns(ours, theirs, ROUNDS, bench.say)
        await connection.close()
    return [Row("commit → acknowledged", "send_and_wait", "ms", rounds, Target(most=3))]


@asynccontextmanager
async def _pumping(bench: Bench, dsn: str, catalog: Catalog) -> AsyncIterator[Watched]:
    """Run the relay's own pump for the block, its producer watched."""
    connection = await asyncpg.connect(dsn)
    wake, stop = asyncio.Event(), asyncio.Event()
    await connection.add_listener(CHANNEL, lambda *_: wake.set())
    producer = Producer(bench.kafka)
    await producer.start()
    watched = Watched(producer)
    chain = await find_chain(connection)
    # All that the pump asks of its producer is what `Watched` has.
    pump = Pump(connection, cast("Producer", watched), Outbox(catalog, SOURCE), chain, wake)
    task = asyncio.create_task(pump.run(stop))
    try:
        yield watched
    finally:
        stop.set()
        await task
        await producer.close()
        await connection.close()
