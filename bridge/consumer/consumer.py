"""The consumer: carries events from Kafka into handlers, once in effect and in order per key.

Not obvious: offsets are only a hint where to begin again. What was handled is known from the
inbox, whose rows are committed with the handlers' writes; so offsets may lag (a crash, a
rebalance) but never lead.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import asyncpg

from bridge import logs, metrics
from bridge.consumer.blocked import Blocked
from bridge.consumer.inbox import Inbox
from bridge.consumer.interruptions import Interruptions
from bridge.consumer.lane import Lane
from bridge.consumer.lanes import Lanes, Limits
from bridge.consumer.registration import topics_of
from bridge.events.catalog import Catalog
from bridge.handling import Middleware
from bridge.kafka.consumer import GroupConsumer
from bridge.kafka.errors import KafkaError
from bridge.kafka.record import Partition
from bridge.kafka.settings import KafkaSettings
from bridge.middleware.standard import standard
from bridge.subscription import Subscription
from bridge.waiting import backoff, wait_any

POLL_SECONDS = 0.2
POLL_RECORDS = 2000
COMMIT_SECONDS = 0.5
COMMIT_LIMIT_SECONDS = 5.0


class Consumer:
    """One member of a subscription's group; the topics follow from its types."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        catalog: Catalog,
        pool: asyncpg.Pool,
        kafka: KafkaSettings,
        middlewares: Sequence[Middleware] | None = None,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
    ) -> None:
        """`catalog` knows the handlers' types; `pool` should hold a connection for each lane.

        `middlewares`, the first outermost; None: a trace span, and 30 s for each handler.
        """
        if middlewares is None:
            middlewares = standard(subscription.group)
        self._topics = topics_of(subscription, catalog)
        self._inbox = Inbox(subscription, middlewares, catalog, pool)
        self._group = subscription.group
        self._kafka = kafka
        self._limits = limits
        self._lanes: Lanes | None = None
        self._consumer: GroupConsumer | None = None
        self._draining: asyncio.Task[None] | None = None
        self._commit_due = 0.0
        self._failures = 0
        self._interruptions = Interruptions()
        self._offer_gauges()

    def _offer_gauges(self) -> None:
        labels = {"group": self._group}
        metrics.observe(
            "causeway.consumer.handled",
            "{event}",
            "Events that this process has handled.",
            lambda: [(self._inbox.handled, labels)],
        )
        metrics.observe(
            "causeway.consumer.blocked",
            "{event}",
            "Events that this process tries again in place.",
            lambda: [(len(self.blocked()), labels)],
        )

    def blocked(self) -> Sequence[Blocked]:
        """List the events that are tried again in place now; empty in health."""
        return self._lanes.blocked() if self._lanes is not None else ()

    @property
    def assigned(self) -> bool:
        """Whether this member takes part in its group."""
        return self._lanes is not None

    @property
    def failing(self) -> bool:
        """Whether it is interrupted again and again, as by what can't be read, in spite of joining
        its group each time."""
        return self._interruptions.many

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain and leave the group."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except (OSError, TimeoutError, KafkaError) as error:
                self._failures += 1
                logs.warning("consumer.interrupted", group=self._group, cause=type(error).__name__)
                self._interruptions.note()
                if self.failing:
                    logs.error("consumer.failing", error, group=self._group)
                await wait_any(backoff(self._failures, 0.2, 5.0), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        """Join, consume until `stop` or an error of Kafka's, drain, commit, leave."""
        consumer = GroupConsumer(
            self._kafka, self._group, self._topics, self._assigned, self._revoked
        )
        await consumer.start()
        self._consumer = consumer
        try:
            while not stop.is_set():
                await self._step(consumer)
        finally:
            await self._revoked()
            self._consumer = None
            try:
                await consumer.stop()
            finally:
                # Lanes of an assignment that came in between: nobody can commit for them.
                await self._revoked()

    async def _step(self, consumer: GroupConsumer) -> None:
        found = await consumer.poll(POLL_SECONDS, POLL_RECORDS)
        lanes = self._lanes
        if lanes is None:
            if found and not self._is_draining():
                # To pass over them would be to wait for ever for what is read already.
                raise ConnectionError("records came without an assignment")
            return
        lanes.take(found, self._inbox.wants)
        pause, resume = lanes.backpressure()
        consumer.pause(pause)
        consumer.resume(resume)
        now = asyncio.get_running_loop().time()
        if now >= self._commit_due:
            self._commit_due = now + COMMIT_SECONDS
            await self._commit(consumer, lanes)
        broken = lanes.failure()
        if broken is not None:
            raise broken

    def _is_draining(self) -> bool:
        return self._draining is not None and not self._draining.done()

    def _assigned(self, partitions: frozenset[Partition]) -> None:
        logs.info(
            "consumer.assigned",
            group=self._group,
            partitions=sorted(f"{topic}/{number}" for topic, number in partitions),
        )
        make = partial(Lane, self._group, self._inbox, self._limits.batch, self._limits.patience)
        self._lanes = Lanes(partitions, make, self._limits)
        self._failures = 0

    async def _revoked(self) -> None:
        """Drain, commit what is done, and forget the rest: it comes again to its next owner.

        The session's end and the group's rebalance may both ask: each returns when it is done.
        """
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            self._draining = asyncio.create_task(self._drain(lanes))
        if self._draining is not None:
            await asyncio.shield(self._draining)

    async def _drain(self, lanes: Lanes) -> None:
        await lanes.drain()
        if self._consumer is not None:
            await self._commit(self._consumer, lanes)

    async def _commit(self, consumer: GroupConsumer, lanes: Lanes) -> None:
        """Commit what is done. A failure costs a repetition, which the inbox drops."""
        offsets = lanes.committable()
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_LIMIT_SECONDS):
                await consumer.commit(offsets)
        except (TimeoutError, KafkaError) as error:
            logs.warning("consumer.commit_failed", group=self._group, cause=type(error).__name__)
            return
        lanes.committed(offsets)
