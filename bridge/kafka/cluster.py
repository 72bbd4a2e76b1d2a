"""The cluster as it is now: brokers, partitions with their ends, groups with members and lag.

What a broker that just died would have answered is left out, so that the picture can be taken
exactly when it is wanted most.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError as KafkaError  # what `describe` raises
from aiokafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from aiokafka.protocol.api import Request
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

from bridge.kafka.nodes import ask_any
from bridge.kafka.quorum import DescribeQuorumRequest, leader_of
from bridge.kafka.settings import KafkaSettings

TIMEOUT_MS = 3000
LATEST = -1
UNKNOWN = -1
At = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Broker:
    """A live broker; `controller`: it leads the metadata quorum."""

    id: int
    address: str
    controller: bool


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. Brokers by id; -1: no leader, or an end that nobody could tell."""

    topic: str
    partition: int
    leader: int
    followers: tuple[int, ...]
    in_sync: tuple[int, ...]
    end: int = UNKNOWN


@dataclass(frozen=True, slots=True)
class Member:
    """A consumer of a group and the partitions assigned to it."""

    id: str
    host: str
    partitions: tuple[At, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is on one partition; `lag` counts records, -1: the end is unknown."""

    topic: str
    partition: int
    committed: int
    lag: int


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group; `state` is Kafka's word."""

    id: str
    state: str
    members: tuple[Member, ...]
    lags: tuple[Lag, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """All of it, sorted."""

    brokers: tuple[Broker, ...]
    partitions: tuple[Partition, ...]
    groups: tuple[Group, ...]


async def describe(settings: KafkaSettings) -> Cluster:
    """Ask the brokers; raises KafkaError where none answers."""
    client = AIOKafkaClient(**settings.client(), request_timeout_ms=TIMEOUT_MS)
    await client.bootstrap()
    try:
        return await _Inquiry(client).everything()
    finally:
        await client.close()


class _Inquiry:
    """One round of questions over one client."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def everything(self) -> Cluster:
        node, metadata = await ask_any(self._client, MetadataRequest(None))
        leader = await self._ask(node, DescribeQuorumRequest())
        quorum_leader = leader_of(leader) if leader is not None else UNKNOWN
        brokers = sorted(
            (Broker(id_, f"{host}:{port}", id_ == quorum_leader)
             for id_, host, port, _ in metadata.brokers),
            key=lambda broker: broker.id,
        )  # fmt: skip
        partitions = await self._with_ends(list(partitions_of(metadata)))
        ends = {(one.topic, one.partition): one.end for one in partitions}
        found = await asyncio.gather(*(self._groups_of(broker.id, ends) for broker in brokers))
        groups = sorted((g for some in found for g in some), key=lambda group: group.id)
        return Cluster(tuple(brokers), tuple(partitions), tuple(groups))

    async def _ask(self, node: int, request: Request[Any]) -> Any:
        """Return the answer; None where the node does not give one."""
        try:
            return await self._client.send(node, request)
        except (KafkaError, OSError):
            return None

    async def _with_ends(self, partitions: list[Partition]) -> list[Partition]:
        by_leader: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(dict)
        for one in partitions:
            if one.leader != UNKNOWN:
                by_leader[one.leader].setdefault(one.topic, []).append((one.partition, LATEST))
        answers = await asyncio.gather(
            *(
                self._ask(leader, OffsetRequest(-1, 0, list(wanted.items())))
                for leader, wanted in by_leader.items()
            )
        )
        ends = {
            (topic, row[0]): row[3]
            for answer in answers
            if answer is not None
            for topic, rows in answer.topics
            for row in rows
            if row[1] == 0
        }
        return [replace(p, end=ends.get((p.topic, p.partition), UNKNOWN)) for p in partitions]

    async def _groups_of(self, node: int, ends: Mapping[At, int]) -> list[Group]:
        """Groups that this broker coordinates."""
        listed = await self._ask(node, ListGroupsRequest())
        ids = [row[0] for row in listed.groups if row[1] == "consumer"] if listed else []
        if not ids:
            return []
        # One by one: aiokafka 0.14 reads the answer to version 3 as one of version 2, which fails
        # from the second group on.
        answers = await asyncio.gather(
            *(self._ask(node, DescribeGroupsRequest([group])) for group in ids)
        )
        described = [answer.groups[0] for answer in answers if answer is not None]
        offsets = await asyncio.gather(
            *(self._ask(node, OffsetFetchRequest(group, None)) for group in ids)
        )
        lags = {
            group: lags_of(answer, ends)
            for group, answer in zip(ids, offsets, strict=True)
            if answer is not None
        }
        return [
            Group(row[1], row[2], tuple(members_of(row[5])), lags.get(row[1], ()))
            for row in described
        ]


def partitions_of(metadata: Any) -> Iterable[Partition]:
    """Partitions of all topics but Kafka's own, sorted."""
    rows = [
        (topic, number, leader, replicas, in_sync)
        for _, topic, internal, partitions in metadata.topics
        if not internal
        for _, number, leader, replicas, in_sync, *_ in partitions
    ]
    for topic, number, leader, replicas, in_sync in sorted(rows, key=lambda row: row[:2]):
        followers = tuple(sorted(one for one in replicas if one != leader))
        yield Partition(topic, number, leader, followers, tuple(sorted(in_sync)))


def members_of(rows: Any) -> Iterable[Member]:
    """Members, sorted by id; one that was given nothing yet has no partitions."""
    for id_, _, host, _, assignment in sorted(rows, key=lambda row: row[0]):
        assigned: list[At] = []
        if assignment:
            decoded = ConsumerProtocolMemberAssignment.decode(assignment)
            assigned = [(topic, n) for topic, numbers in decoded.assignment for n in numbers]
        yield Member(id_, host.removeprefix("/"), tuple(sorted(assigned)))


def lags_of(answer: Any, ends: Mapping[At, int]) -> tuple[Lag, ...]:
    """Lags on the partitions that the group has committed; UNKNOWN where the end is."""
    return tuple(
        Lag(topic, row[0], row[1], _lag(ends.get((topic, row[0]), UNKNOWN), row[1]))
        for topic, rows in sorted(answer.topics, key=lambda one: one[0])
        for row in sorted(rows)
        if row[1] >= 0
    )


def _lag(end: int, committed: int) -> int:
    return UNKNOWN if end == UNKNOWN else max(0, end - committed)
