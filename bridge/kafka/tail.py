"""Reads the log as it grows, as an onlooker: no group, no commits, from now on."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import TopicPartition

from bridge.kafka.reader import make_reader
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings

# An onlooker would rather ask often than see things late.
FETCH_WAIT_MS = 100


@asynccontextmanager
async def open_tail(
    settings: KafkaSettings, partitions: Iterable[Partition]
) -> AsyncIterator[AsyncIterator[Record]]:
    """Give what is written to these partitions from now on, without end; in order per partition."""
    consumer = make_reader(settings, fetch_max_wait_ms=FETCH_WAIT_MS)
    await consumer.start()
    try:
        assigned = [TopicPartition(*partition) for partition in partitions]
        consumer.assign(assigned)
        # Asked for now: an end that is looked up at the first read would be a later one.
        for partition, end in (await consumer.end_offsets(assigned)).items():
            consumer.seek(partition, end)
        yield consumer
    finally:
        await consumer.stop()
