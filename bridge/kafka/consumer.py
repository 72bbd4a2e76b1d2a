"""A member of a consumer group, with the few settings we use."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from aiokafka import ConsumerRebalanceListener, TopicPartition

from bridge.kafka.reader import make_reader
from bridge.kafka.record import Partition, Record
from bridge.kafka.settings import KafkaSettings

# A dead member's partitions move within 10 s: this and one rebalance. 6 s is the least that
# brokers allow by default.
SESSION_TIMEOUT_MS = 6_000
HEARTBEAT_MS = 1_500
# Members that drain on revoke get this long to join again.
REBALANCE_TIMEOUT_MS = 30_000
MAX_POLL_INTERVAL_MS = 300_000

Assigned = Callable[[frozenset[Partition]], None]
Revoked = Callable[[], Awaitable[None]]


class GroupConsumer:
    """Reads as a member of `group`; offsets are committed by hand, a new group begins at 0.

    `on_assigned` is told the member's partitions before a record of them is given out.
    `on_revoked` may still commit; all partitions are taken at once (eager protocol), and whatever
    is not committed then will come again, here or elsewhere.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        on_assigned: Assigned,
        on_revoked: Revoked,
    ) -> None:
        self._topics = topics
        self._listener = _Listener(on_assigned, on_revoked)
        self._consumer = make_reader(
            settings,
            group_id=group,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        )

    async def start(self) -> None:
        """Connect and begin to join the group."""
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        self._consumer.subscribe(topics=list(self._topics), listener=self._listener)

    async def stop(self) -> None:
        """Leave the group and disconnect. Does not commit."""
        await self._consumer.stop()

    async def poll(self, seconds: float, most: int) -> Mapping[Partition, Sequence[Record]]:
        """Wait for records of partitions that are not paused, in order per partition."""
        found: Mapping[Partition, Sequence[Record]] = await self._consumer.getmany(
            timeout_ms=int(seconds * 1000), max_records=most
        )
        return found

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the offsets of the next records to read. KafkaError if the group has moved on."""
        await self._consumer.commit(
            {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        )

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Give no records of these until `resume`; the membership is kept."""
        self._consumer.pause(*(TopicPartition(*partition) for partition in partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Give records of these again."""
        self._consumer.resume(*(TopicPartition(*partition) for partition in partitions))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The client's own way to be told; the one class it wants to be inherited from."""

    def __init__(self, on_assigned: Assigned, on_revoked: Revoked) -> None:
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._on_revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._on_assigned(frozenset(Partition(*one) for one in assigned))
