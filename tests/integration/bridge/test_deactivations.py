"""Who is deactivated becomes known from the log, on real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from bridge.errors import Unavailable
from bridge.server.deactivations import SLACK, Deactivations
from tests.integration.bridge.parts import Parts, until

KIND = "an.Event"
LIFE = 300.0
PROMISED = 5.0
"""Seconds within which every replica refuses."""


@asynccontextmanager
async def following(
    parts: Parts, topic: str = "", patience: float = 30
) -> AsyncIterator[Deactivations]:
    stop = asyncio.Event()
    follower = Deactivations(parts.kafka, topic or parts.topic, KIND, LIFE, patience)
    running = asyncio.create_task(follower.run(stop))
    try:
        yield follower
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await running


async def ready(follower: Deactivations) -> bool:
    try:
        await follower.ready()
    except Unavailable:
        return False
    return True


@pytest.fixture
async def producer(parts: Parts) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**parts.kafka.client(), acks="all") as producer:
        yield producer


async def write(
    producer: AIOKafkaProducer, topic: str, key: str, kind: str = KIND, age: float = 0.0
) -> None:
    at = int((time.time() - age) * 1000)
    headers = [("ce_type", kind.encode())]
    await producer.send_and_wait(topic, b"any", key.encode(), timestamp_ms=at, headers=headers)


async def test_every_process_learns_of_it_in_time_and_of_no_other_event(
    parts: Parts, producer: AIOKafkaProducer
) -> None:
    async with following(parts) as one, following(parts) as another:
        await until(lambda: ready(one))
        await until(lambda: ready(another))
        await write(producer, parts.topic, "other", kind="another.Event")
        await write(producer, parts.topic, "ann")
        begun = time.monotonic()
        for follower in (one, another):

            async def barred(follower: Deactivations = follower) -> bool:
                return follower.barred.bars("ann")

            await until(barred)
        assert time.monotonic() - begun < PROMISED
        assert not one.barred.bars("other")
        [(age, _)] = one._age()
        assert age < PROMISED


async def test_one_that_starts_is_ready_once_it_knows_what_tokens_may_be_left_of(
    parts: Parts, producer: AIOKafkaProducer
) -> None:
    await write(producer, parts.topic, "long-ago", age=LIFE + 2 * SLACK)
    await write(producer, parts.topic, "ann", age=LIFE / 2)
    async with following(parts) as follower:
        assert not await ready(follower)
        await until(lambda: ready(follower))
        assert follower.barred.bars("ann")
        assert not follower.barred.bars("long-ago")


async def test_a_topic_that_is_missing_is_waited_for_and_stands_in_nobodys_way(
    parts: Parts,
) -> None:
    async with following(parts, f"{parts.topic}-missing", patience=1) as follower:
        await until(lambda: ready(follower))
        assert not follower.barred.bars("ann")
        [(age, _)] = follower._age()
        assert age > 1, "what an alarm sees of a process that has never read"


async def test_without_an_event_nothing_is_followed(parts: Parts) -> None:
    stop = asyncio.Event()
    follower = Deactivations.named("", parts.kafka, LIFE)
    running = asyncio.create_task(follower.run(stop))
    await follower.ready()
    stop.set()
    await running
