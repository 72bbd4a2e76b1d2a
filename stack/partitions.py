"""Who leads which partition, asked of the brokers that answer."""

from typing import TYPE_CHECKING

import anyio

from stack.environment import kafka_settings
from stack.platform import Platform

if TYPE_CHECKING:
    from bridge.kafka.cluster import Partition

LIMIT = 2.0


async def partitions(platform: Platform) -> "list[Partition]":
    """All partitions of the platform's topics; empty when no broker answers or none runs."""
    if not any(name.startswith("kafka") for name in platform.ports):
        return []
    from bridge.kafka.admin import open_admin

    settings = kafka_settings(platform.settings, platform.credentials, "observer")
    try:
        with anyio.fail_after(LIMIT):
            async with open_admin(settings) as admin:
                return await admin.partitions()
    except Exception:  # the brokers' own rows of the status say what is wrong
        return []


def as_json_row(row: "Partition") -> dict[str, object]:
    """For `status --json`; the leader is null while there is none."""
    return {
        "topic": row.topic,
        "partition": row.partition,
        "leader": row.leader if row.leader >= 0 else None,
        "followers": row.followers,
        "in_sync": row.in_sync,
    }
