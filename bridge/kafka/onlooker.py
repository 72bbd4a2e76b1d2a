"""Looks at the log without a group: asks for places, reads pages, and follows what is written."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from bridge.errors import OutOfRange
from bridge.kafka.admin import open_admin
from bridge.kafka.reader import make_reader
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings

FETCH_WAIT_MS = 100
"""An onlooker would rather ask often than see things late."""
PAGE_MS = 500
REQUEST_TIMEOUT_MS = 10_000
PARTITION_BYTES = 256 * 1024
"""Of one fetch and partition, but for a batch that is larger."""


class Onlooker:
    """One connection, for one who reads at a time; made by `open_onlooker`.

    Everything raises KafkaError where the brokers do not answer, and is not to be used after.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._stands: tuple[Partition, int] | None = None

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Give the first offsets that are still there."""
        return _ours(await self._consumer.beginning_offsets(_theirs(partitions)))

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Give the offsets that the next records will get, asked now."""
        return _ours(await self._consumer.end_offsets(_theirs(partitions)))

    async def since(
        self, partitions: Collection[Partition], time: datetime
    ) -> dict[Partition, int]:
        """Give the first records that were written at `time` or later; the ends where none was."""
        ends = await self.ends(partitions)
        millis = max(0, int(time.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(dict.fromkeys(_theirs(partitions), millis))
        return ends | {Partition(*one): at.offset for one, at in found.items() if at is not None}

    async def page(self, where: Partition, at: int, most: int) -> tuple[Sequence[Record], int]:
        """Read at most `most` records of one partition from `at` on, and where to go on.

        None if none came in time. OutOfRange: what stood at `at` is gone.
        """
        place = TopicPartition(*where)
        if self._stands != (where, at):
            self._consumer.assign([place])
            self._consumer.seek(place, at)
        self._stands = None
        try:
            found = await self._consumer.getmany(place, timeout_ms=PAGE_MS, max_records=most)
        except OffsetOutOfRangeError:
            raise gone(where, at) from None
        # Not that of the last record: marks of transactions have offsets too, and never come.
        after = int(await self._consumer.position(place))
        self._stands = (where, after)
        return found.get(place, ()), after

    def follow(self, at: Mapping[Partition, int]) -> None:
        """Begin to follow these partitions from these offsets on."""
        self._consumer.assign(_theirs(at))
        for where, offset in at.items():
            self._consumer.seek(TopicPartition(*where), offset)

    async def poll(
        self, milliseconds: int, most: int
    ) -> Mapping[Partition, tuple[Sequence[Record], int]]:
        """Wait for records of what is followed: by partition, in order, and where to go on."""
        found = await self._consumer.getmany(timeout_ms=milliseconds, max_records=most)
        return {
            Partition(*one): (records, int(await self._consumer.position(one)))
            for one, records in found.items()
        }


@asynccontextmanager
async def open_onlooker(settings: KafkaSettings) -> AsyncIterator[Onlooker]:
    """Connect; a KafkaError (an OSError where no broker answers) where that fails."""
    consumer = make_reader(
        settings,
        # What is gone from the log must be an error, not a silent jump.
        auto_offset_reset="none",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=PARTITION_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )
    try:
        await consumer.start()
        yield Onlooker(consumer)
    finally:
        await consumer.stop()


async def partitions_of(settings: KafkaSettings, topics: Collection[str]) -> list[Partition]:
    """List the partitions of topics, sorted; a topic that is not there has none."""
    async with open_admin(settings) as admin:
        found = await admin.partitions()
    return sorted(Partition(one.topic, one.partition) for one in found if one.topic in topics)


def gone(where: Partition, at: int) -> OutOfRange:
    """Say that a place of the log is not there, or not any more."""
    return OutOfRange(
        f"{where.topic}/{where.partition}/{at} is not in the log (any more)",
        reason="POSITION_GONE",
        metadata={"topic": where.topic, "partition": str(where.partition), "offset": str(at)},
    )


def _theirs(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*one) for one in partitions]


def _ours(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {Partition(*one): offset for one, offset in offsets.items()}
