"""DescribeCluster says what the brokers say."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from bridge.api.operations import Describe, Operations
from bridge.errors import Unavailable
from bridge.kafka.cluster import Broker, Cluster, Group, Lag, Member, Partition
from causeway.bridge.v1 import operations_service_pb2 as pb

TOPIC = "causeway.orders.v1"
NO_CONTEXT: Any = None


async def asked(describe: Describe) -> pb.DescribeClusterResponse:
    unused: Any = None
    operations = Operations(describe, unused, unused, unused, unused)
    return await operations.DescribeCluster(pb.DescribeClusterRequest(), NO_CONTEXT)


async def test_brokers_partitions_and_groups_are_shown() -> None:
    async def describe() -> Cluster:
        member = Member("m-1", "127.0.0.1", ((TOPIC, 0), (TOPIC, 2)))
        return Cluster(
            brokers=(Broker(1, "127.0.0.1:9092", controller=True),),
            partitions=(Partition(TOPIC, 0, 1, (2, 3), (1, 2), 42),),
            groups=(Group("causeway.users.credit", "Stable", (member,), (Lag(TOPIC, 0, 40, 2),)),),
        )

    answer = await asked(describe)
    assert answer.brokers[0] == pb.Broker(id=1, address="127.0.0.1:9092", controller=True)
    assert answer.partitions[0] == pb.Partition(
        topic=TOPIC, leader=1, followers=[2, 3], in_sync_replicas=[1, 2], end_offset=42
    )
    group = answer.groups[0]
    assert list(group.members[0].partitions) == [f"{TOPIC}/0", f"{TOPIC}/2"]
    assert (group.lags[0].committed_offset, group.lags[0].lag) == (40, 2)


async def test_no_broker_at_all_is_unavailable() -> None:
    async def describe() -> Cluster:
        raise KafkaConnectionError("all of them")

    with pytest.raises(Unavailable) as caught:
        await asked(describe)
    assert caught.value.reason == "KAFKA_UNAVAILABLE"
