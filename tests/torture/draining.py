"""Waiting until everything that was stored has arrived, or nothing moves any more."""

import asyncio
from collections.abc import Sequence

import asyncpg

from bridge.kafka.cluster import describe
from bridge.kafka.errors import KafkaError
from bridge.kafka.settings import KafkaSettings
from tests.integration.bridge.parts import until

LEFT = """
    SELECT
        (SELECT count(*) FROM bridge.outbox),
        (SELECT count(*) FROM bridge.events) * cardinality($1::text[])
        - (
            SELECT count(*) FROM (
                SELECT consumer_group, event_id FROM effects
                UNION SELECT consumer_group, event_id FROM bridge.parked WHERE $2
            ) AS settled
        )
"""
AWAKE = "SELECT count(DISTINCT consumer_group) FROM effects"
AWAKE_SECONDS = 120.0
UNKNOWN = -1


async def awake(dsn: str, groups: Sequence[str]) -> None:
    """Wait until an event has come all the way to each group: everybody is at work."""
    connection = await asyncpg.connect(dsn)
    try:

        async def all_are() -> bool:
            return bool(await connection.fetchval(AWAKE) == len(groups))

        await until(all_are, AWAKE_SECONDS)
    finally:
        connection.terminate()


async def drained(
    dsn: str,
    kafka: KafkaSettings,
    topic: str,
    groups: Sequence[str],
    patience: float,
    *,
    parked: bool,
) -> bool:
    """Wait until nothing is left in the outbox, unsettled, or above the committed offsets.

    `parked`: what is parked has arrived too. False: something was left, and nothing changed for
    `patience` seconds.
    """
    clock = asyncio.get_running_loop().time
    before, since = None, clock()
    connection = await asyncpg.connect(dsn)
    try:
        while clock() - since < patience:
            left = (
                *await connection.fetchrow(LEFT, list(groups), parked),
                await _uncommitted(kafka, topic, groups),
            )
            if not any(left):
                return True
            if left != before:
                before, since = left, clock()
            await asyncio.sleep(0.3)
        return False
    finally:
        connection.terminate()


async def _uncommitted(kafka: KafkaSettings, topic: str, groups: Sequence[str]) -> int:
    """Records of the topic that a group has not committed, of all groups; UNKNOWN: no answer."""
    try:
        cluster = await describe(kafka)
    except (KafkaError, OSError):
        return UNKNOWN
    ends = {one.partition: one.end for one in cluster.partitions if one.topic == topic}
    done = {
        (group.id, lag.partition): lag.committed
        for group in cluster.groups
        for lag in group.lags
        if lag.topic == topic
    }
    if len(ends) == 0 or UNKNOWN in ends.values():
        return UNKNOWN
    return sum(
        end - done.get((group, partition), 0) for group in groups for partition, end in ends.items()
    )
