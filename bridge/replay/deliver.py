"""Backfill and redeliver: events again, through the inbox of their group.

A backfill asks the inbox of the live group (epoch 0), so that what one of the two has handled is
not handled by the other. A redelivery has an epoch of its own: chosen events are handled again,
and once.
"""

from collections.abc import Sequence

import asyncpg

from bridge.consumer.inbox import Inbox
from bridge.errors import FailedPrecondition
from bridge.events.event import Event
from bridge.replay.ledger import Replay, begin, finish
from bridge.replay.passage import Passage
from bridge.replay.source import Source
from bridge.sql import queries

PAGE = 500
"""Events of one transaction: what else touches their rows waits no longer than that."""
LIVE = 0


class Deliver:
    """One backfill or redelivery, on the connection that holds its lock."""

    def __init__(
        self, replay: Replay, connection: asyncpg.Connection, source: Source, inbox: Inbox
    ) -> None:
        self._replay = replay
        self._connection = connection
        self._source = source
        self._inbox = inbox
        self._epoch = LIVE if replay.mode == "backfill" else replay.epoch
        self._passage = Passage(replay, connection, source, self._apply, PAGE)

    async def run(self) -> None:
        """Deliver up to the end as it was when the replay began."""
        checkpoint = dict(self._replay.checkpoint)
        if not checkpoint:
            checkpoint = {"at": "", "end": await self._source.end(self._connection)}
            await begin(self._connection, self._replay, checkpoint)
        self._passage.at = checkpoint["at"]
        self._passage.kept = {"end": checkpoint["end"]}
        await self._passage.to(checkpoint["end"])
        await finish(self._connection, self._replay, "succeeded")

    async def _apply(self, events: Sequence[Event], attempt: int) -> None:
        await self._check_parked(events)
        await self._inbox.apply(
            self._connection,
            events,
            attempt=attempt,
            epoch=self._epoch,
            effects=self._replay.effects,
        )

    async def _check_parked(self, events: Sequence[Event]) -> None:
        """Refuse what is parked: it has its turn behind others of its key, and a way of its own."""
        parked = await self._connection.fetchval(
            queries("replay")["parked_among"],
            self._replay.group,
            [event.id for event in events],
        )
        if parked is not None:
            raise FailedPrecondition(
                f"event {parked} is parked: redrive or discard it first", reason="EVENT_PARKED"
            )
