"""`causeway.bridge.v1.OperationsService`."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

from bridge.errors import Unavailable
from bridge.kafka import cluster
from causeway.bridge.v1 import operations_service_pb2 as pb
from causeway.bridge.v1.operations_service_pb2_grpc import OperationsServiceServicer

Describe = Callable[[], Awaitable[cluster.Cluster]]


class Operations(OperationsServiceServicer):
    """Looks after the cluster. What is not overridden here answers UNIMPLEMENTED."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe

    async def DescribeCluster(
        self,
        request: pb.DescribeClusterRequest,
        context: "grpc.aio.ServicerContext[Any, Any]",
    ) -> pb.DescribeClusterResponse:
        """Show brokers, partitions and groups as the brokers tell it now."""
        try:
            seen = await self._describe()
        except cluster.KafkaError as error:
            raise Unavailable("no broker answers", reason="KAFKA_UNAVAILABLE") from error
        return pb.DescribeClusterResponse(
            brokers=[pb.Broker(id=b.id, address=b.address, controller=b.controller)
                     for b in seen.brokers],
            partitions=[partition_of(one) for one in seen.partitions],
            groups=[group_of(one) for one in seen.groups],
        )  # fmt: skip


def partition_of(seen: cluster.Partition) -> pb.Partition:
    """Write a partition as the API does."""
    return pb.Partition(
        topic=seen.topic,
        partition=seen.partition,
        leader=seen.leader,
        followers=seen.followers,
        in_sync_replicas=seen.in_sync,
        end_offset=seen.end,
    )


def group_of(seen: cluster.Group) -> pb.Group:
    """Write a group as the API does."""
    return pb.Group(
        id=seen.id,
        state=seen.state,
        members=[
            pb.Group.Member(
                id=member.id,
                host=member.host,
                partitions=[f"{topic}/{number}" for topic, number in member.partitions],
            )
            for member in seen.members
        ],
        lags=[
            pb.Group.Lag(
                topic=lag.topic,
                partition=lag.partition,
                committed_offset=lag.committed,
                lag=lag.lag,
            )
            for lag in seen.lags
        ],
    )
