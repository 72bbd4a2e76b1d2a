"""Reads the log as it grows, as an onlooker: no group, no commits, from now on."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from bridge.kafka.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Record:
    """One record where it lies. Headers are text, as CloudEvents' binary mode has them."""

    topic: str
    partition: int
    offset: int
    headers: Mapping[str, str]
    value: bytes


class Tail:
    """Records after the moment when it was opened; made by `open_tail`."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def __aiter__(self) -> AsyncIterator[Record]:
        """Each record as it comes, without end; in order within a partition."""
        async for one in self._consumer:
            headers = {name: value.decode("utf-8", "replace") for name, value in one.headers}
            yield Record(one.topic, one.partition, one.offset, headers, one.value or b"")


@asynccontextmanager
async def open_tail(
    settings: KafkaSettings, partitions: Iterable[tuple[str, int]]
) -> AsyncIterator[Tail]:
    """Stand at the end of these partitions (topic, number); what is written next is read."""
    consumer = AIOKafkaConsumer(
        **settings.client(), enable_auto_commit=False, fetch_max_wait_ms=100
    )
    await consumer.start()
    try:
        assigned = [TopicPartition(topic, number) for topic, number in partitions]
        consumer.assign(assigned)
        # Waits for the ends: an end that is looked up only at the first read would be a later one.
        ends = await consumer.end_offsets(assigned)
        for partition, end in ends.items():
            consumer.seek(partition, end)
        yield Tail(consumer)
    finally:
        await consumer.stop()
