"""Bare aiokafka, idempotent: as it comes, or with the relay's own size of a batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from bridge.kafka.record import Outgoing
from bridge.kafka.settings import KafkaSettings

DEFAULT_BATCH_BYTES = 16_384
"""aiokafka's own."""


@asynccontextmanager
async def bare_producer(
    kafka: KafkaSettings, batch_bytes: int = DEFAULT_BATCH_BYTES
) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer for the block."""
    producer = AIOKafkaProducer(
        **kafka.client(), acks="all", enable_idempotence=True, max_batch_size=batch_bytes
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send_all(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Send records in order and wait until the brokers have them all."""
    places = [
        await producer.send(one.topic, one.value, one.key, headers=one.headers) for one in records
    ]
    await asyncio.gather(*places)


async def send_one(producer: AIOKafkaProducer, record: Outgoing) -> None:
    """Send one record and wait until the brokers have it."""
    await producer.send_and_wait(record.topic, record.value, record.key, headers=record.headers)
