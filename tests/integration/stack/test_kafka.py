"""The cluster refuses strangers, keeps events for ever, and lets one service write a topic."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from bridge.kafka.admin import open_admin
from bridge.kafka.settings import KafkaSettings
from gateway.topics import topics
from stack.components.kafka_probe import METADATA, Login, require_serving
from stack.credentials import GUEST
from stack.errors import Code, StackError
from stack.provision.topics import provision_topics, rules
from stack.settings import BROKERS
from stack.steps import model
from tests.integration.stack.conftest import Site

ORDERS, USERS = "causeway.orders.v1", "causeway.users.v1"


@asynccontextmanager
async def _producer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**settings.client(), acks="all", request_timeout_ms=2000)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def write(settings: KafkaSettings, topic: str) -> None:
    async with _producer(settings) as producer:
        await producer.send_and_wait(topic, b"not an event", key=b"k")


async def test_each_broker_serves_as_a_member_of_the_cluster(site: Site) -> None:
    password = site.credentials["kafka/observer"]
    for number, port in zip(BROKERS, site.port.brokers(), strict=True):
        await require_serving(Login(port, "observer", password), number)


async def test_a_client_without_a_user_is_refused(site: Site) -> None:
    """A metadata request as the first thing on a connection: the broker hangs up."""
    for port in (*site.port.brokers(), *site.port.controllers()):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = struct.pack(">hhih", METADATA, 1, 1, -1) + struct.pack(">i", -1)
        writer.write(struct.pack(">i", len(request)) + request)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_wrong_password_is_refused(site: Site) -> None:
    with pytest.raises(PermissionError):
        await require_serving(Login(site.port.kafka_1, "orders", "wrong"), 1)


@pytest.mark.parametrize(
    ("user", "topic"), [("users", ORDERS), ("orders", USERS), ("observer", ORDERS)]
)
async def test_only_the_owner_writes_a_topic(site: Site, user: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(site.kafka(user), topic)


async def test_a_group_belongs_to_its_service(site: Site) -> None:
    consumer = AIOKafkaConsumer(
        ORDERS, group_id="causeway.users.stolen", **site.kafka("orders").client()
    )
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await consumer.start()
    finally:
        await consumer.stop()


async def test_a_service_reads_the_topics_of_others_without_a_group(site: Site) -> None:
    consumer = AIOKafkaConsumer(USERS, **site.kafka("notifications").client())
    await consumer.start()
    try:
        assert consumer.partitions_for_topic(USERS) == {0, 1, 2}
        assert await consumer.end_offsets(list(consumer.assignment()))
    finally:
        await consumer.stop()


async def test_event_topics_are_replicated_and_kept_for_ever(site: Site) -> None:
    names = [topic.name for topic in topics(model())]
    async with open_admin(site.kafka("admin")) as admin:
        present = await admin.topics()
        config = await admin.config(names)
    assert {(present[name].partitions, present[name].replication) for name in names} == {(3, 3)}
    for name in names:
        assert config[name]["retention.ms"] == "-1"
        assert config[name]["min.insync.replicas"] == "2"


async def test_the_access_rules_are_those_of_the_protos_and_no_more(site: Site) -> None:
    async with open_admin(site.kafka("admin")) as admin:
        found = await admin.rules()
    # What guests were given is their own: a test of `adopt` may have been here.
    assert {rule for rule in found if rule.user != GUEST} == rules(topics(model()))


async def test_a_topic_of_another_shape_stops_the_start_and_is_left_as_it_is(site: Site) -> None:
    wanted = [replace(topic, partitions=4) for topic in topics(model())]
    with pytest.raises(StackError) as caught:
        await provision_topics(site.kafka("admin"), wanted)
    assert caught.value.code is Code.TOPIC_MISMATCH
    assert "partitions: wanted 4, found 3" in caught.value.detail


async def test_a_topic_is_never_made_by_asking_for_it(site: Site) -> None:
    async with _producer(site.kafka("orders")) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.partitions_for("causeway.nobody.v1")
    async with open_admin(site.kafka("admin")) as admin:
        assert "causeway.nobody.v1" not in await admin.topics()
