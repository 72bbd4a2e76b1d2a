"""Follows the events that deactivate users, so that every replica refuses their tokens in time.

The log is read without a group, by each process for itself: from before the oldest token that may
still count, then as it grows. Nothing is stored. While Kafka is away calls are served: the issuer
gives the deactivated no new token, so what they hold ends by itself. docs/decisions/0025 says more.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from bridge import logs, metrics
from bridge.errors import CausewayError, OutOfRange, Unavailable
from bridge.kafka.errors import KafkaError
from bridge.kafka.record import Record
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.span import Offsets, Span, open_span
from bridge.server.auth import CLOCK_SKEW
from bridge.server.barred import Barred
from bridge.waiting import wait_any

LOOK = 1.0
"""Seconds between two looks at the end of the log, which tells also that Kafka is there."""

RETRY = 1.0
PATIENCE = 10.0
MOST = 2000
SLACK = 60.0
"""Seconds by which clocks may differ, ours and that of who stamps the records."""


class Deactivations:
    """Bars the key of every record of one event type in one topic.

    `token_life` is the longest that a token counts, in seconds; for `patience` seconds a process
    that starts is not ready without having read. An empty `topic`: there is none.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        event_type: str,
        token_life: float,
        patience: float = PATIENCE,
    ) -> None:
        self._kafka = kafka
        self._topic, self._type = topic, event_type.encode()
        # The clocks of issuer, relay and this process may each be off.
        self._window = token_life + 2 * CLOCK_SKEW
        self.barred = Barred(self._window)
        self._begun = time.monotonic()
        self._ready_by = self._begun + patience
        self._whole: float | None = None
        self._trouble = ""

    @classmethod
    def named(cls, name: str, kafka: KafkaSettings, token_life: float) -> "Deactivations":
        """Make one from `topic/event.Type`, as the settings have it."""
        topic, _, event_type = name.partition("/")
        return cls(kafka, topic, event_type, token_life)

    async def ready(self) -> None:
        """Wait for the first reading, but not for long: Kafka may be away."""
        if self._topic and self._whole is None and time.monotonic() < self._ready_by:
            raise Unavailable("it is not yet known who is deactivated")

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; whatever goes wrong with Kafka is waited for."""
        if not self._topic:
            await stop.wait()
            return
        metrics.observe(
            "causeway.deactivations.age", "s", "Since it was known who is deactivated.", self._age
        )
        while not stop.is_set():
            try:
                await self._follow(stop)
            except (CausewayError, KafkaError, OSError) as error:
                self._complain(error)
            await wait_any(RETRY, stop)

    async def _follow(self, stop: asyncio.Event) -> None:
        async with open_span(self._kafka, [self._topic]) as span:
            at = await self._beginning(span)
            while not stop.is_set():
                at = await self._look(span, at)
                await wait_any(LOOK, stop)

    async def _beginning(self, span: Span) -> Offsets:
        """Where records stand that speak of tokens which may still count."""
        since = datetime.now(UTC) - timedelta(seconds=self._window + SLACK)
        # Asked for first: where nothing was written since, `starts` gives a later end.
        ends = await span.ends()
        return {one: min(ends[one], at) for one, at in (await span.starts(since)).items()}

    async def _look(self, span: Span, at: Offsets) -> Offsets:
        """Read up to where the log ends now.

        OutOfRange (TOPIC_MADE_ANEW) where it ends before `at`: the topic was made anew.
        """
        ends = await span.ends()
        if any(at[one] > end for one, end in ends.items()):
            raise OutOfRange("the log ends before what was read of it", reason="TOPIC_MADE_ANEW")
        while any(at[one] < end for one, end in ends.items()):
            records, at = await span.read(at, ends, MOST)
            for record in records:
                self._take(record)
        self._whole = time.monotonic()
        if self._trouble:
            self._trouble = ""
            logs.info("deactivations.followed", topic=self._topic)
        return at

    def _take(self, record: Record) -> None:
        # The topic has one writer, its own service: what is of the type is what it says.
        if record.key and ("ce_type", self._type) in record.headers:
            self.barred.bar(record.key.decode(errors="replace"))

    def _complain(self, error: Exception) -> None:
        """Say what is wrong, once until it changes: it is tried again every second."""
        trouble = error.reason if isinstance(error, CausewayError) else type(error).__name__
        if trouble != self._trouble:
            self._trouble = trouble
            logs.warning("deactivations.not_followed", topic=self._topic, error=trouble)

    def _age(self) -> Iterator[tuple[float, Mapping[str, str]]]:
        # Before the first reading from the start on: a process may serve without having read.
        yield time.monotonic() - (self._begun if self._whole is None else self._whole), {}
