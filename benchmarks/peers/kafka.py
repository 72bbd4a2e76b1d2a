"""Bare aiokafka, idempotent, with the relay's own few settings: the limit of what it can reach."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from bridge.kafka.producer import BATCH_BYTES
from bridge.kafka.record import Outgoing
from bridge.kafka.settings import KafkaSettings


@asynccontextmanager
async def bare_producer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer for the block."""
    producer = AIOKafkaProducer(
        **kafka.client(), acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES
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
