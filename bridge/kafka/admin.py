"""Topics and access rules of the cluster, through the broker's own requests.

aiokafka's admin client has no call for access rules, but its protocol package has the requests.
Everything here is sent over its plain client, so that there is one way to ask and no second
program (Kafka's own tools would be a Java process, about 1 s, for each list of rules).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import (
    AlterConfigsRequest,
    CreateAclsRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteAclsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
)
from aiokafka.protocol.api import Request
from aiokafka.protocol.metadata import MetadataRequest

from bridge.kafka.cluster import Partition, partitions_of
from bridge.kafka.nodes import ask_any
from bridge.kafka.settings import KafkaSettings

TOPIC_CONFIG = 2
SET_ON_TOPIC = 1
ALLOW = 3
ANY = 1
ANYWHERE = "*"
TOPIC_EXISTS = 36
TIMEOUT_MS = 15000
HEARD = 10.0
"""Seconds until every broker has surely heard of a topic: usually milliseconds."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be, or as it is. `config` holds Kafka's own names and words."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


class Resource(IntEnum):
    """What a rule is about, with Kafka's numbers."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4


class Pattern(IntEnum):
    """How a rule names it, with Kafka's numbers."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What a rule allows, with Kafka's numbers. READ, WRITE and DELETE include DESCRIBE."""

    READ = 3
    WRITE = 4
    DELETE = 6
    DESCRIBE = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """`user` may perform `operation` on what `name` matches, from anywhere."""

    user: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL


class Admin:
    """Asks and changes one cluster; made by `open_admin`."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def topics(self) -> dict[str, Topic]:
        """All topics but Kafka's own, without their configuration."""
        answer = await self._ask(MetadataRequest(None))
        return {
            name: Topic(name, len(partitions), len(partitions[0][3]) if partitions else 0)
            for _, name, internal, partitions in answer.topics
            if not internal
        }

    async def partitions(self) -> list[Partition]:
        """Leaders, followers and in-sync replicas of all topics but Kafka's own, sorted."""
        return list(partitions_of(await self._ask(MetadataRequest(None))))

    async def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The configuration of topics: name -> key -> value, defaults included."""
        wanted: list[tuple[int, str, None]] = [(TOPIC_CONFIG, name, None) for name in names]
        answer = await self._ask(DescribeConfigsRequest(wanted, False))
        found: dict[str, dict[str, str]] = {}
        for code, message, _, name, entries in answer.resources:
            _raise_for(code, message)
            found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create topics; one that exists by now is left as it is.

        Returns when each broker that answers has heard of them, as any may be asked next; of one
        that is very slow, after `HEARD` seconds.
        """
        topics = list(topics)
        wanted: list[tuple[str, int, int, list[Any], list[tuple[str, str]]]] = [
            (one.name, one.partitions, one.replication, [], list(one.config.items()))
            for one in topics
        ]
        answer = await self._ask(
            CreateTopicsRequest(
                create_topic_requests=wanted, timeout=TIMEOUT_MS, validate_only=False
            )
        )
        for _, code, message in answer.topic_errors:
            if code != TOPIC_EXISTS:
                _raise_for(code, message)

        names = {one.name for one in topics}
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD):
                for broker in self._client.cluster.brokers():
                    await self._heard(broker.nodeId, names)

    async def _heard(self, broker: int, names: Set[str]) -> None:
        """Wait until a broker knows the topics; one that is away is not waited for."""
        with suppress(KafkaError, OSError):
            while True:
                answer = await self._client.send(broker, MetadataRequest(None))
                if names <= {name for code, name, _, _ in answer.topics if not code}:
                    return
                await asyncio.sleep(HEARD / 100)

    async def configure(self, name: str, config: Mapping[str, str]) -> None:
        """Set keys of a topic's configuration; what was set beside them stays."""
        # The request replaces all that was ever set on the topic: so that goes along.
        wanted = {**await self._set_on(name), **config}
        answer = await self._ask(AlterConfigsRequest([(TOPIC_CONFIG, name, list(wanted.items()))]))
        for code, message, _, _ in answer.resources:
            _raise_for(code, message)

    async def grow(self, name: str, partitions: int) -> None:
        """Raise the number of a topic's partitions to `partitions`."""
        request = CreatePartitionsRequest([(name, (partitions, None))], TIMEOUT_MS, False)
        answer = await self._ask(request)
        for _, code, message in answer.topic_errors:
            _raise_for(code, message)

    async def _set_on(self, name: str) -> dict[str, str]:
        """What was set on the topic itself, without defaults."""
        wanted: list[tuple[int, str, None]] = [(TOPIC_CONFIG, name, None)]
        answer = await self._ask(DescribeConfigsRequest(wanted, False))
        (code, message, _, _, entries) = answer.resources[0]
        _raise_for(code, message)
        return {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_TOPIC}

    async def rules(self) -> set[Rule]:
        """All rules that allow something on a topic, group or the cluster."""
        answer = await self._ask(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
        _raise_for(answer.error_code, answer.error_message)
        return {
            Rule(
                principal.removeprefix("User:"),
                Operation(operation),
                Resource(resource),
                name,
                Pattern(pattern),
            )
            for resource, name, pattern, rows in answer.resources
            for principal, _, operation, permission in rows
            if permission == ALLOW and operation in set(Operation)
        }

    async def allow(self, rules: Iterable[Rule]) -> None:
        """Add rules."""
        for rule in rules:
            answer = await self._ask(CreateAclsRequest(*_wire(rule)))
            for code, message in answer.creation_responses:
                _raise_for(code, message)

    async def withdraw(self, rules: Iterable[Rule]) -> None:
        """Remove rules."""
        for rule in rules:
            answer = await self._ask(DeleteAclsRequest(*_wire(rule)))
            for code, message, _ in answer.filter_responses:
                _raise_for(code, message)

    async def _ask(self, request: Request[Any]) -> Any:
        # Any broker takes these and forwards changes to the active controller (KRaft).
        # All of them may be carried out twice.
        _, answer = await ask_any(self._client, request)
        return answer


@asynccontextmanager
async def open_admin(settings: KafkaSettings) -> AsyncIterator[Admin]:
    """Connect as `settings` say; close at the end of the block."""
    client = AIOKafkaClient(**settings.client(), request_timeout_ms=TIMEOUT_MS)
    try:
        await client.bootstrap()
        yield Admin(client)
    finally:
        await client.close()


def _wire(rule: Rule) -> tuple[int, str, int, str, str, int, int]:
    return (
        int(rule.resource),
        rule.name,
        int(rule.pattern),
        f"User:{rule.user}",
        ANYWHERE,
        int(rule.operation),
        ALLOW,
    )


def _raise_for(code: int, message: str | None) -> None:
    if code:
        raise for_code(code)(message)
