"""Reads stretches of the log by hand: no group, no commits, nobody's rebalance."""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import OffsetOutOfRangeError

from bridge.errors import OutOfRange, Unavailable
from bridge.kafka.admin import open_admin
from bridge.kafka.reader import make_reader
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings

POLL_MS = 500
PATIENCE = 60.0
"""Seconds of reading without a step on: a partition finds a new leader in less."""
REQUEST_TIMEOUT_MS = 10_000

Offsets = Mapping[Partition, int]
"""By partition the offset of the next record to read."""


class Span:
    """Reads given partitions from given offsets up to given ends; made by `open_span`."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Iterable[Partition]) -> None:
        self._consumer = consumer
        self._partitions = [TopicPartition(*one) for one in partitions]
        self._next: dict[Partition, int] = {}
        self._waited = 0.0

    async def starts(self, since: datetime | None = None) -> dict[Partition, int]:
        """Give the first offsets; with `since`, those of the first records written from then on."""
        first = await self._consumer.beginning_offsets(self._partitions)
        if since is None:
            return _ours(first)
        millis = max(0, int(since.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, millis))
        ends = await self.ends()
        return {
            Partition(*one): place.offset if place is not None else ends[Partition(*one)]
            for one, place in found.items()
        }

    async def ends(self) -> dict[Partition, int]:
        """Give the offsets that the next records will get, asked now."""
        return _ours(await self._consumer.end_offsets(self._partitions))

    async def read(
        self, at: Offsets, ends: Offsets, most: int
    ) -> tuple[list[Record], dict[Partition, int]]:
        """Give at most `most` records from `at` on and below `ends`, and where to go on.

        In order per partition. None: no records below the ends are left, or none came in time.
        OutOfRange: what stood at `at` is gone from the log. Unavailable: there is more, and reading
        again and again has not come on, as where a partition has no leader.
        """
        open_ = [one for one, end in ends.items() if at[one] < end]
        after = dict(at)
        if not open_:
            return [], after
        self._seek(at, open_)
        begun = time.monotonic()
        try:
            found = await self._consumer.getmany(
                *(TopicPartition(*one) for one in open_), timeout_ms=POLL_MS, max_records=most
            )
        except OffsetOutOfRangeError as error:
            raise OutOfRange("the log was cut below the place to read on", reason="LOG_CUT") from (
                error
            )
        records: list[Record] = []
        for where, some in found.items():
            records.extend(record for record in some if record.offset < ends[Partition(*where)])
        for one in open_:
            # Not that of the last record: marks of transactions have offsets too, and never come.
            self._next[one] = await self._consumer.position(TopicPartition(*one))
            after[one] = min(self._next[one], ends[one])
        self._be_patient([one for one in open_ if after[one] == at[one]], open_, begun)
        return records, after

    def _be_patient(
        self, still: Collection[Partition], open_: Collection[Partition], begun: float
    ) -> None:
        """Count for how long none of the partitions has come on."""
        self._waited += time.monotonic() - begun
        if len(still) < len(open_):
            self._waited = 0.0
        elif self._waited > PATIENCE:
            self._waited = 0.0
            names = ", ".join(f"{one.topic}/{one.partition}" for one in sorted(still))
            raise Unavailable(
                f"the log can't be read on for {PATIENCE:.0f} s, of: {names}",
                reason="LOG_UNREADABLE",
            )

    def _seek(self, at: Offsets, partitions: Collection[Partition]) -> None:
        """Turn to where the reader wants to go on, if that is not where the client stands."""
        for one in partitions:
            if self._next.get(one) != at[one]:
                self._consumer.seek(TopicPartition(*one), at[one])
                self._next[one] = at[one]


@asynccontextmanager
async def open_span(settings: KafkaSettings, topics: Iterable[str]) -> AsyncIterator[Span]:
    """Open all partitions of `topics`; a KafkaError (an OSError where no broker answers).

    Unavailable (TOPIC_MISSING) where there is none of them.
    """
    wanted = frozenset(topics)
    async with open_admin(settings) as admin:
        partitions = [
            Partition(one.topic, one.partition)
            for one in await admin.partitions()
            if one.topic in wanted
        ]
    if not partitions:  # The client would wait for answers of nobody.
        raise Unavailable(f"no such topic: {', '.join(sorted(wanted))}", reason="TOPIC_MISSING")
    consumer = make_reader(
        settings,
        # What is gone from the log must be an error, not a silent jump.
        auto_offset_reset="none",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*one) for one in partitions])
        yield Span(consumer, partitions)
    finally:
        await consumer.stop()


async def committed(settings: KafkaSettings, group: str) -> dict[Partition, int]:
    """Give the offsets that a group has committed; partitions without one are left out."""
    client = AIOKafkaAdminClient(**settings.client(), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await client.start()
        found = await client.list_consumer_group_offsets(group)
        return {Partition(*one): place.offset for one, place in found.items() if place.offset >= 0}
    finally:
        await client.close()


def _ours(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {Partition(*one): offset for one, offset in offsets.items()}
