"""The cluster as the brokers tell it, as the API's messages."""

from bridge.kafka import cluster
from causeway.bridge.v1 import operations_service_pb2 as pb


def cluster_message(seen: cluster.Cluster) -> pb.DescribeClusterResponse:
    """Brokers, partitions and groups."""
    return pb.DescribeClusterResponse(
        brokers=[broker_of(one) for one in seen.brokers],
        partitions=[partition_of(one) for one in seen.partitions],
        groups=[group_of(one) for one in seen.groups],
    )


def broker_of(seen: cluster.Broker) -> pb.Broker:
    """Write a broker as the API does."""
    return pb.Broker(id=seen.id, address=seen.address, controller=seen.controller)


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
