"""DescribeQuorum (API key 55), which aiokafka's protocol package lacks.

In KRaft the controller that a metadata answer names is any broker that takes requests for it;
who leads the metadata quorum is asked for here. Layout:
https://github.com/apache/kafka/blob/4.3/clients/src/main/resources/common/message/DescribeQuorumRequest.json
and …/DescribeQuorumResponse.json, version 0. Named as all of aiokafka's structs are, whose bases
are untyped.
"""

from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

METADATA_TOPIC = "__cluster_metadata"


def _replicas() -> CompactArray:
    return CompactArray(("replica_id", Int32), ("log_end_offset", Int64), ("tags", TaggedFields))


class DescribeQuorumResponse_v0(Response):  # type: ignore[misc]  # noqa: N801
    """Who leads the metadata partition."""

    API_KEY = 55
    API_VERSION = 0
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition_index", Int32),
                        ("error_code", Int16),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("high_watermark", Int64),
                        ("current_voters", _replicas()),
                        ("observers", _replicas()),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeQuorumRequest_v0(RequestStruct):  # type: ignore[misc]  # noqa: N801
    """Asks about partitions of the metadata topic."""

    FLEXIBLE_VERSION = True
    API_KEY = 55
    API_VERSION = 0
    RESPONSE_TYPE = DescribeQuorumResponse_v0
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(("partition_index", Int32), ("tags", TaggedFields)),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeQuorumRequest(Request[DescribeQuorumRequest_v0]):  # type: ignore[misc]
    """Asks who leads the metadata quorum."""

    API_KEY = 55

    def build(
        self, request_struct_class: type[DescribeQuorumRequest_v0]
    ) -> DescribeQuorumRequest_v0:
        """Fill the request in."""
        return request_struct_class([(METADATA_TOPIC, [(0, {})], {})], {})


def leader_of(response: Any) -> int:
    """Return the leader's node id; -1 where there is none or the answer is an error."""
    for _, partitions, _ in response.topics:
        for partition in partitions:
            return int(partition[2])
    return -1
