"""Reading stretches of the log, on real Kafka."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from bridge.errors import Unavailable
from bridge.kafka import span
from bridge.kafka.record import Partition
from bridge.kafka.span import Span, open_span
from tests.integration.bridge.parts import Parts, until


async def test_the_mark_of_a_transaction_at_the_end_is_passed(parts: Parts) -> None:
    producer = AIOKafkaProducer(**parts.kafka.client(), transactional_id=f"{parts.topic}-writer")
    async with producer, producer.transaction():
        await producer.send_and_wait(parts.topic, b"one", partition=0)
    async with open_span(parts.kafka, [parts.topic]) as log, asyncio.timeout(20):

        async def marked() -> bool:
            return sum((await log.ends()).values()) == 2

        # A moment after the commit was promised.
        await until(marked)
        ends, at = await log.ends(), await log.starts()
        records = []
        while at != ends:
            more, at = await log.read(at, ends, 10)
            records += more
    assert [record.value for record in records] == [b"one"]


async def test_an_end_that_never_comes_is_an_error(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span, "PATIENCE", 1.0)
    async with open_span(parts.kafka, [parts.topic]) as log, asyncio.timeout(20):
        at = await log.starts()
        ends = {one: end + 1 for one, end in at.items()}
        with pytest.raises(Unavailable, match="can't be read on"):
            await read_all(log, at, ends)


async def read_all(log: Span, at: dict[Partition, int], ends: dict[Partition, int]) -> None:
    while at != ends:
        _, at = await log.read(at, ends, 10)
