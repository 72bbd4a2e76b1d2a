"""Rebuild: a projection from the first event on, in a shadow, swapped in at the end.

The shadow needs no inbox: rows and checkpoint are committed together. What makes the swap exact:
the group's gate is closed and its tables are held, so that no live handler is half way; then the
rest of the events is handled, up to an end that is asked for under these locks; and what the
shadow has handled and the live group may still have before it is marked in the inbox, so that it
is passed over there. All of it is one transaction.
"""

import asyncio
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import asyncpg

from bridge import logs
from bridge.events.event import Event
from bridge.handling import BatchHandler, Handling
from bridge.outages import is_away
from bridge.replay.ledger import Replay, begin, finish
from bridge.replay.passage import Passage
from bridge.replay.shadow import Shadow
from bridge.replay.source import Source
from bridge.waiting import backoff

PAGE = 5000
"""Events of one transaction of the shadow's: more is no faster, and costs memory."""
FEW = 200
GATE_SECONDS, LONGEST_GATE = 2.0, 60.0
"""How long running batches of the group are waited for: longer each time that was not enough."""
HOLD_SECONDS = 5.0
"""How long the last events may take while the live tables are held."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
NO_EFFECTS: frozenset[str] = frozenset()
STOOD_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""Somebody has a row that the swap wants: it gives way, and comes again."""


class Rebuild:
    """One rebuild, on the connection that holds its lock."""

    def __init__(
        self,
        replay: Replay,
        connection: asyncpg.Connection,
        source: Source,
        shadow: Shadow,
        run: BatchHandler,
        live_from: Mapping[str, int] | None,
    ) -> None:
        """`live_from`: by "topic/partition" where the live group stands now; None: it is none."""
        self._replay = replay
        self._connection = connection
        self._shadow = shadow
        self._run = run
        # Kept from the beginning on: all that was not handled then may be handled at any time.
        kept = replay.checkpoint.get("live_from", json.dumps(live_from))
        self._live_from: Mapping[str, int] | None = json.loads(kept)
        self._passage = Passage(
            replay, connection, source, self._apply, PAGE, kept={"live_from": kept}
        )
        self._source = source

    async def run(self) -> None:
        """Rebuild until it is swapped in. An error leaves the live tables as they are."""
        await self._begin()
        await self._shadow.enter()
        with _old_left_alone():
            await self._fill()

    async def _fill(self) -> None:
        failures = 0
        while True:
            await self._catch_up()
            if await self._swapped(min(LONGEST_GATE, GATE_SECONDS * (failures + 1))):
                break
            failures += 1
            logs.info("replay.swap_postponed", replay=self._replay.id, failures=failures)
            await asyncio.sleep(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE))

    async def _begin(self) -> None:
        """Go on with the shadow that is there, or begin with an empty one."""
        at = self._replay.checkpoint.get("at")
        if at is not None and await self._shadow.is_like_live():
            self._passage.at = at
            return
        async with self._connection.transaction():
            await self._shadow.make()
            await begin(self._connection, self._replay, self._passage.kept | {"at": ""})

    async def _catch_up(self) -> None:
        """Handle what there is until little is left for the locks, or no less can be had."""
        before = None
        while True:
            count = await self._passage.to(await self._source.end(self._connection))
            if count <= FEW or (before is not None and count >= before):
                return
            before = count

    async def _swapped(self, gate_seconds: float) -> bool:
        """Swap; False: locks or last events stood in the way, nothing has happened."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            done = await self._shadow.hold(gate_seconds) and await self._last()
            if done:
                await self._shadow.replace()
        except STOOD_IN_THE_WAY as error:
            await transaction.rollback()
            logs.info("replay.swap_met", replay=self._replay.id, cause=type(error).__name__)
            return False
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.commit() if done else transaction.rollback())
        return done

    async def _last(self) -> bool:
        """Handle the rest and end the replay, under the locks; False: it must be done before."""
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                end = await self._source.end(self._connection)
                _, count = await self._passage.inside(end)
        except Exception as error:
            if is_away(error):
                raise
            # The event comes again outside of the locks, and is named there.
            logs.info(
                "replay.last_events_failed", replay=self._replay.id, cause=type(error).__name__
            )
            return False
        await finish(self._connection, self._replay, "succeeded", done=count)
        return True

    async def _apply(self, events: Sequence[Event], attempt: int) -> None:
        # Nothing is appended in a rebuild, so the origin is not made to name a cause.
        await self._run(
            [
                Handling(event, self._connection, event.origin, attempt, NO_EFFECTS)
                for event in events
            ]
        )
        await self._shadow.check_writes()
        if self._live_from is not None:
            await self._note(events, self._live_from)

    async def _note(self, events: Sequence[Event], live_from: Mapping[str, int]) -> None:
        """Note those that the live group may not have had when the rebuild began."""
        open_ = [
            event
            for event in events
            if (event.offset or 0) >= live_from.get(f"{event.topic}/{event.partition}", 0)
        ]
        if open_:
            await self._shadow.note(open_)


@contextmanager
def _old_left_alone() -> Iterator[None]:
    """Keep the collector from looking through all that is there already, again and again.

    A rebuild makes millions of objects that live for one page: a sixth of its time went there.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
