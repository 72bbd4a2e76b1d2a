"""Questions to a cluster, some of whose brokers are dead."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.protocol.metadata import MetadataRequest

from bridge.kafka.admin import Admin
from bridge.kafka.cluster import Lag, lags_of
from bridge.kafka.nodes import ask_any


class FakeClient:
    """Knows brokers 1 to 3, of which only `alive` answer."""

    def __init__(self, *alive: int) -> None:
        self._alive = alive
        self.cluster = SimpleNamespace(
            brokers=lambda: [SimpleNamespace(nodeId=node) for node in (1, 2, 3)]
        )

    async def send(self, node: int, _: object) -> Any:
        if node not in self._alive:
            raise NodeNotReadyError
        return SimpleNamespace(topics=[(0, "t", False, [(0, 0, node, [1, 2, 3], [node])])])


def client(*alive: int) -> AIOKafkaClient:
    return cast(AIOKafkaClient, FakeClient(*alive))


async def test_dead_brokers_are_passed_over() -> None:
    for _ in range(20):
        node, _answer = await ask_any(client(2), MetadataRequest(None))
        assert node == 2
        assert [one.leader for one in await Admin(client(3)).partitions()] == [3]


async def test_where_no_broker_answers_the_error_is_kafkas() -> None:
    with pytest.raises(KafkaError):
        await ask_any(client(), MetadataRequest(None))


def test_an_unknown_end_is_no_lag_of_zero() -> None:
    answer = SimpleNamespace(topics=[("t", [(0, 40, "", 0), (1, 7, "", 0), (2, -1, "", 0)])])
    assert lags_of(answer, {("t", 0): 42, ("t", 1): -1}) == (Lag("t", 0, 40, 2), Lag("t", 1, 7, -1))
