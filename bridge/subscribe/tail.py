"""Follows the log for all subscribers of a process: one connection, whatever their number."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from bridge import logs, metrics
from bridge.errors import CausewayError, Unavailable
from bridge.events.catalog import Catalog
from bridge.kafka.onlooker import Onlooker, gone
from bridge.kafka.record import Partition, Record
from bridge.subscribe.log import Log
from bridge.subscribe.seen import Seen
from bridge.subscribe.subscriber import Subscriber
from bridge.subscribe.watchdog import Renewal, watch_over
from bridge.subscribe.window import Window
from bridge.waiting import backoff, wait_any, watching

POLL_MS = 200
"""How long a new topic may wait until it is followed too."""
MOST = 100
"""Records between two turns of the others in this process."""
BACKLOG = 500
"""Records of each partition to begin with: who comes from another replica is not far behind."""
LINGER = 30.0
"""Seconds for which the log is followed for nobody."""
OPENING = 10.0
AWAY = 60.0
"""Seconds without the log after which subscribers are sent to other replicas."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Tail:
    """Adds what is written to the window, and wakes whom it concerns. `run` is a background task.

    The reader is thrown away and made anew after any error; where it goes on is in the window.
    """

    def __init__(self, log: Log, catalog: Catalog, window: Window) -> None:
        self._log = log
        self._catalog = catalog
        self._window = window
        self._wanted: Counter[str] = Counter()
        self._partitions: dict[str, list[Partition]] = {}
        self._subscribers: dict[Subscriber, None] = {}
        self._asked = asyncio.Event()
        self._begun = asyncio.Event()
        self._failures, self._well = 0, 0.0

    @contextmanager
    def following(self, topics: Collection[str]) -> Iterator[None]:
        """See to it that topics are followed meanwhile."""
        self._wanted.update(topics)
        self._asked.set()
        try:
            yield
        finally:
            self._wanted.subtract(topics)
            self._wanted = +self._wanted

    async def partitions(self, topics: Collection[str]) -> list[Partition]:
        """Wait until topics are followed, and give their partitions; Unavailable after 10 s."""
        try:
            async with asyncio.timeout(OPENING):
                while not self._partitions.keys() >= set(topics):
                    await self._begun.wait()
        except TimeoutError:
            missing = ", ".join(sorted(set(topics) - self._partitions.keys()))
            raise Unavailable(
                f"the log can't be read, of: {missing}", reason="LOG_UNREADABLE"
            ) from None
        return [one for topic in topics for one in self._partitions[topic]]

    @contextmanager
    def feeding(self, subscriber: Subscriber) -> Iterator[None]:
        """Tell a subscriber meanwhile of what is added to the window."""
        self._subscribers[subscriber] = None
        try:
            self._check_partitions(subscriber)
            yield
        finally:
            del self._subscribers[subscriber]

    async def run(self, stop: asyncio.Event) -> None:
        """Follow while there is anybody to follow for, until `stop`."""
        metrics.observe("causeway.subscribers", "{stream}", "Open subscriptions.", self._count)
        while not stop.is_set():
            if not self._wanted:
                self._rest()
                await wait_any(None, stop, self._asked)
                self._well = self._now()
                continue
            try:
                await self._session(stop)
            except Exception as error:
                # Whatever a client library raises: nothing is lost by beginning anew.
                self._lost(error)
                await wait_any(backoff(self._failures, FIRST_PAUSE, LONGEST_PAUSE), stop)

    def _rest(self) -> None:
        self._window.clear()
        self._partitions = {}
        self._asked.clear()

    def _lost(self, error: Exception) -> None:
        self._failures += 1
        cause = str(error) if isinstance(error, Renewal) else type(error).__name__
        logs.warning("subscribe.reader_lost", cause=cause, failures=self._failures)
        if self._now() - self._well > AWAY:
            self._fail_all(Unavailable("the log can't be read", reason="LOG_UNREADABLE"))

    async def _session(self, stop: asyncio.Event) -> None:
        topics = frozenset(self._wanted)
        async with self._log.open() as reader:
            await self._arrange(reader, topics)
            reader.follow(self._window.places())
            self._begun.set()
            self._begun = asyncio.Event()
            beside = asyncio.create_task(watch_over(reader, self._window, self._log, topics))
            try:
                await watching(self._follow(reader, topics, stop), beside)
            finally:
                beside.cancel()

    async def _arrange(self, reader: Onlooker, topics: Collection[str]) -> None:
        """Go on with each partition where the window ends, or begin a little before its end."""
        found = await self._log.partitions(topics)
        starts, ends = await reader.starts(found), await reader.ends(found)
        for where in self._window.places().keys() - set(found):
            self._window.forget(where)
        for where in found:
            self._place(where, starts[where], ends[where])
        self._partitions = {topic: [] for topic in sorted({one.topic for one in found})}
        for where in found:
            self._partitions[where.topic].append(where)
        for subscriber in self._subscribers:
            self._check_partitions(subscriber)

    def _place(self, where: Partition, start: int, end: int) -> None:
        known = self._window.places().get(where)
        if known is None:
            self._window.begin(where, max(start, end - BACKLOG))
        elif known < start:
            self._window.begin(where, start)
        elif known > end:
            # The log was made anew: what they have seen is not what it holds.
            self._window.begin(where, end)
            for one in self._subscribers:
                if one.at.get(where, 0) > end:
                    one.fail(gone(where, one.at[where]))

    def _check_partitions(self, subscriber: Subscriber) -> None:
        topics = subscriber.wanted.topics
        if subscriber.at.keys() != {one for t in topics for one in self._partitions.get(t, ())}:
            text = "the partitions of these topics have changed; resume where you are"
            subscriber.fail(Unavailable(text, reason="PARTITIONS_CHANGED", retry_after=0.1))

    def _fail_all(self, error: CausewayError) -> None:
        for subscriber in self._subscribers:
            subscriber.fail(error)

    async def _follow(self, reader: Onlooker, topics: frozenset[str], stop: asyncio.Event) -> None:
        """Follow until other topics are asked for, or none for a while."""
        idle_since = None
        while not stop.is_set() and self._wanted.keys() <= topics:
            for where, (records, after) in (await reader.poll(POLL_MS, MOST)).items():
                for record in records:
                    self._take(where, record)
                self._window.pass_over(where, after)
            self._failures, self._well = 0, self._now()
            idle_since = None if self._wanted else idle_since or self._now()
            if idle_since is not None and self._now() - idle_since > LINGER:
                return

    def _take(self, where: Partition, record: Record) -> None:
        before = self._window.next(where)
        if record.offset < before:
            return
        one = Seen(record, self._catalog)
        self._window.add(where, one)
        for subscriber in self._subscribers:
            subscriber.offer(where, one, before)

    def _count(self) -> metrics.Readings:
        return [(len(self._subscribers), {})]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
