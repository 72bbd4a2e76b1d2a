"""The picture of the cluster, taken from real brokers."""

import asyncio
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bridge.kafka.cluster import Cluster, describe
from bridge.kafka.settings import KafkaSettings
from tests.integration.bridge.parts import kafka_settings, own_topic

RECORDS = 5


async def consume_two_of_five(kafka: KafkaSettings, topic: str, group: str) -> Cluster:
    """Look while a member of `group` is three records behind."""
    producer = AIOKafkaProducer(**kafka.client())
    await producer.start()
    try:
        for number in range(RECORDS):
            await producer.send_and_wait(topic, str(number).encode(), partition=0)
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(
        topic, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
        **kafka.client(),
    )  # fmt: skip
    await consumer.start()
    try:
        for _ in range(2):
            await consumer.getone()
        (assigned,) = (one for one in consumer.assignment() if one.partition == 0)
        await consumer.commit({assigned: 2})
        return await describe(kafka)
    finally:
        await consumer.stop()


async def test_brokers_leaders_members_and_lag_are_seen() -> None:
    kafka = kafka_settings()
    group = f"causeway.test.{uuid.uuid4().hex}"
    async with own_topic(kafka) as topic:
        await asyncio.sleep(0.5)  # the brokers learn of a topic one by one
        seen = await consume_two_of_five(kafka, topic, group)
    assert len(seen.brokers) == 3
    assert sum(broker.controller for broker in seen.brokers) == 1
    partitions = [one for one in seen.partitions if one.topic == topic]
    assert [one.partition for one in partitions] == [0, 1, 2]
    for one in partitions:
        assert sorted((one.leader, *one.followers)) == [1, 2, 3] == list(one.in_sync)
    assert [one.end for one in partitions] == [RECORDS, 0, 0]
    (found,) = (one for one in seen.groups if one.id == group)
    assert found.state == "Stable"
    assert found.members[0].partitions == ((topic, 0), (topic, 1), (topic, 2))
    lag = next(one for one in found.lags if one.partition == 0)
    assert (lag.committed, lag.lag) == (2, 3)
