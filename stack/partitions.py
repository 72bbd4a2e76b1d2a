"""Who leads which partition, asked of the brokers that answer."""

from typing import TYPE_CHECKING

import anyio

from stack.environment import kafka_settings
from stack.platform import Platform

if TYPE_CHECKING:
    from bridge.kafka.cluster import Partition

LIMIT = 2.0


async def partitions(platform: Platform) -> "tuple[list[Partition], str]":
    """All partitions of the platform's topics, and why they are unknown: "" when they are not.

    A platform without Kafka has none, which is no error.
    """
    if not any(name.startswith("kafka") for name in platform.ports):
        return [], ""
    from bridge.kafka.admin import open_admin

    settings = kafka_settings(platform.settings, platform.credentials, "observer")
    try:
        with anyio.fail_after(LIMIT):
            async with open_admin(settings) as admin:
                return await admin.partitions(), ""
    except TimeoutError:
        return [], f"no broker answered within {LIMIT:g} s"
    except Exception as error:  # whatever it is: a status tells, and goes on
        return [], str(error) or type(error).__name__


def as_json_row(row: "Partition") -> dict[str, object]:
    """For `status --json`; the leader is null while there is none."""
    return {
        "topic": row.topic,
        "partition": row.partition,
        "leader": row.leader if row.leader >= 0 else None,
        "followers": row.followers,
        "in_sync": row.in_sync,
    }
