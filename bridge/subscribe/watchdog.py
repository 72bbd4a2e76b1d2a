"""Sees that a reader which gives nothing has nothing to give."""

import asyncio
from collections.abc import Collection
from itertools import count

from bridge.kafka.errors import KafkaError
from bridge.kafka.onlooker import Onlooker
from bridge.kafka.record import Partition
from bridge.subscribe.log import Log
from bridge.subscribe.window import Window

INTERVAL = 5.0
PARTITIONS_EVERY = 6
"""Intervals between two looks for new partitions."""
DEAF = 3
"""Intervals in a row without an answer."""


class Renewal(Exception):  # noqa: N818 (no failure of anybody: a reason to connect anew)
    """The reader is to be thrown away; the text says why."""


async def watch_over(reader: Onlooker, window: Window, log: Log, topics: Collection[str]) -> None:
    """Look on until there is a reason to raise Renewal.

    There is one where a partition has had more to read for a whole interval and none of it came,
    where nobody answers for some intervals, and where topics have other partitions than before.
    """
    followed = sorted(window.places())
    before: dict[Partition, int] = {}
    ends: dict[Partition, int] = {}
    deaf = 0
    for number in count(1):
        await asyncio.sleep(INTERVAL)
        now = window.places()
        stuck = [one for one, at in before.items() if now.get(one) == at < ends.get(one, at)]
        if stuck:
            names = ", ".join(f"{one.topic}/{one.partition}" for one in sorted(stuck))
            raise Renewal(f"nothing comes of {names}")
        try:
            before, ends = now, await reader.ends(followed)
            if number % PARTITIONS_EVERY == 0 and await log.partitions(topics) != followed:
                raise Renewal("other partitions")
            deaf = 0
        except (KafkaError, OSError):
            deaf += 1
            if deaf == DEAF:
                raise Renewal("no answer") from None
