"""From a post to its delivery, beside what cannot be spared: the post, and Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from statistics import median

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.api_parts import ApiBench
from benchmarks.deliver_load import POSTERS, Delivered, DeliverPlan
from benchmarks.edge_parts import Place, loaded
from benchmarks.harness import Row, Target
from benchmarks.parts import Database, catalog_on
from benchmarks.peers.kafka import bare_producer, send_one
from benchmarks.relay import recorded, relaying
from bridge.kafka.record import Outgoing
from causeway.orders.v1 import events_pb2 as orders_events

RATE = 50.0
"""Posts a second."""
SECONDS = 2.0
BODY = '{"items": [{"sku": "book", "quantity": 2}, {"sku": "lamp", "quantity": 1}]}'
WHAT = "REST post → delivered, 50/s"


async def deliver(bench: ApiBench) -> Sequence[Row]:
    """Orders posted to the edge at a steady rate, and a REST subscription through the edge that
    sees their events: medians, the whole way and without the two parts that it must have."""
    async with (
        bench.parts.topic() as topic,
        bench.orders(topic) as (orders, database),
        bench.events(topic) as events,
        relaying(bench.parts, database.dsn, catalog_on(topic, orders_events)),
        _records(database, topic) as records,
        bare_producer(bench.parts.kafka) as producer,
    ):
        with bench.edge.edge(orders, others={"bridge": events}) as envoy:
            await _delivered(bench, envoy, topic)  # connections, caches, the brokers' code
            found = []
            for number in range(1, bench.rounds + 1):
                seen = await _delivered(bench, envoy, topic)
                sent = await _sent(producer, records)
                bench.say(
                    f"  round {number} of {bench.rounds}: delivered {seen.delivered:.2f} ms, "
                    f"posted {seen.answered:.2f} ms, sent {sent:.2f} ms"
                )
                found.append((seen, sent))
    rounds = [(seen.delivered, seen.answered + sent) for seen, sent in found]
    apart = [(seen.answered, sent) for seen, sent in found]
    return [
        Row(WHAT, "post + send_and_wait", "ms", rounds, Target(most=4)),
        Row("its parts: the post", "send_and_wait", "ms", apart),
    ]


async def _delivered(bench: ApiBench, envoy: Place, topic: str) -> Delivered:
    [auditor] = bench.edge.tokens(1, "auditor")
    customers = bench.edge.tokens(POSTERS, "customer")
    plan = DeliverPlan(envoy.port, topic, customers, auditor, BODY, RATE, SECONDS)
    return Delivered(**await loaded("benchmarks.deliver_load", asdict(plan)))


@asynccontextmanager
async def _records(database: Database, topic: str) -> AsyncIterator[Sequence[Outgoing]]:
    """Records as the relay makes them."""
    connection = await asyncpg.connect(database.dsn)
    records = await recorded(connection, catalog_on(topic, orders_events), 1, int(RATE * SECONDS))
    await connection.close()
    yield records


async def _sent(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> float:
    """Milliseconds until the brokers have one record, at the same rate; the median."""
    taken = []
    for record in records:
        began = time.perf_counter()
        await send_one(producer, record)
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, 1 / RATE - taken[-1]))
    return 1000 * median(taken)
