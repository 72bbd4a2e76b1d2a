"""Takes events from outside into the store: those that come at the same time share one commit.

Unlike a command's, their appends expect no version: each goes to the end of its stream, many of one
stream in one group. An event whose id is stored already is not written again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import asyncpg

from bridge.database import acquire
from bridge.errors import CausewayError, Unavailable
from bridge.outages import is_away
from bridge.sql import queries
from bridge.store import claims
from bridge.store.alike import alike
from bridge.store.offer import Offer, Outcome, Row

MOST = 512
"""Events of one group."""
TRIES = 20
STEP, STEPS = 0.001, 5
"""Seconds that a group waits for more, and how often it does so at most, while more do come."""
TURN = 0.02
"""Seconds that events may be made for a group, before others of the process have a turn."""
PAUSE = 0.005
"""Seconds, grown by each try and scattered: other processes write the same streams."""
MET = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)


class _Batch:
    """One caller's events, by their ids; made when their group is formed."""

    __slots__ = ("_make", "by_id", "outcomes")

    def __init__(self, make: Callable[[], Mapping[str, Offer]]) -> None:
        self._make = make
        self.by_id: Mapping[str, Offer] = {}
        self.outcomes: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()

    @property
    def offers(self) -> Collection[Offer]:
        """In their order."""
        return self.by_id.values()

    def made(self) -> bool:
        """Make them, unless that is done; False: nobody waits, or is told now what is wrong."""
        if not self.by_id and not self.outcomes.done():
            try:
                self.by_id = self._make()
            except Exception as error:
                self.outcomes.set_exception(error)
        return not self.outcomes.done()


class Intake:
    """Of one process. Holds a connection only while it writes."""

    def __init__(self, pool: asyncpg.Pool, most: int = MOST) -> None:
        self._pool = pool
        self._most = most
        self._sql = queries("intake")
        self._waiting: deque[_Batch] = deque()
        self._work: asyncio.Task[None] | None = None
        self._before = 0
        """Callers of the group before."""

    async def put(self, offers: Sequence[Offer]) -> list[Outcome]:
        """Store events in their order; an outcome each, in the same order.

        AlreadyExists as an outcome: the id is another event's. Nothing behind it is stored by this
        call, so that it may be put right and offered again with what follows it: what follows has
        the same outcome. Raises FailedPrecondition for a request_id that was used for something
        else, Unavailable where the streams are too busy, the driver's error where the database is
        away: then it is unknown what of them is stored, and offering them again finds out.
        """
        outcomes: list[Outcome] = []
        for run in _runs(offers):
            outcomes += await self._queued(_Batch(partial(_given, run)))
            if isinstance(refused := outcomes[-1], CausewayError):
                return [*outcomes, *[refused] * (len(offers) - len(outcomes))]
        return outcomes

    async def put_one(self, make: Callable[[], Offer]) -> Outcome:
        """Store one event, as `put` does; `make` is called when its group is formed.

        So all of a group are made one after the other: one that is made alone, between two of
        gRPC's steps, finds nothing of its code in the CPU's caches and takes three times as long.
        What `make` raises is raised here, and nobody else's.
        """

        def alone() -> Mapping[str, Offer]:
            offer = make()
            return {offer.event_id: offer}

        [outcome] = await self._queued(_Batch(alone))
        return outcome

    async def _queued(self, batch: _Batch) -> list[Outcome]:
        self._waiting.append(batch)
        if self._work is None or self._work.done():
            # A task of its own: no caller's cancellation ends the work for the others.
            self._work = asyncio.create_task(self._drain())
        return await batch.outcomes

    async def _drain(self) -> None:
        group: Sequence[_Batch] = ()
        try:
            while self._waiting:
                await self._gathered()
                if group := self._next():
                    self._before = len(group)
                    await self._commit_all(group)
                else:
                    await asyncio.sleep(0)  # others have a turn, however many were wrong
        finally:
            # Only where this task is cancelled, as at the end of the process, is anything left.
            for batch in (*group, *self._waiting):
                if not batch.outcomes.done():
                    batch.outcomes.set_exception(_ended())

    async def _gathered(self) -> None:
        """Wait for those who are on their way, where there are many.

        What is shared costs as much for two as for fifty. Who is alone, now and before, waits for
        nobody.
        """
        if max(self._before, len(self._waiting)) < 2:
            return
        for _ in range(STEPS):
            there = len(self._waiting)
            await asyncio.sleep(STEP)
            if len(self._waiting) == there:
                return

    def _next(self) -> Sequence[_Batch]:
        """Form a group; an empty one where all that were looked at came to nothing."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TURN
        taken: list[_Batch] = []
        later: list[_Batch] = []
        ids: set[str] = set()
        looked_at = 0
        for batch in islice(self._waiting, self._most):
            if batch.made():
                if taken and len(ids) + len(batch.by_id) > self._most:
                    break
                # Of two with one id the first is stored, and the second held against it.
                (taken if ids.isdisjoint(batch.by_id) else later).append(batch)
                ids.update(batch.by_id)
            looked_at += 1
            if loop.time() > until:
                break
        for _ in range(looked_at):
            self._waiting.popleft()
        # Behind the others: who repeats itself without an end keeps nobody out.
        self._waiting.extend(later)
        return taken

    async def _commit_all(self, group: Sequence[_Batch]) -> None:
        """Store a group; where it fails as a whole, its halves: most of it is good."""
        if not await self._commit(group):
            half = len(group) // 2
            for part in (group[:half], group[half:]):
                # Whose caller is gone is left out.
                if waiting := [batch for batch in part if not batch.outcomes.done()]:
                    await self._commit_all(waiting)

    async def _commit(self, group: Sequence[_Batch]) -> bool:
        """Store a group; False: nothing of it is stored, and parts of it may do better."""
        try:
            async with acquire(self._pool) as connection:
                outcomes = await self._store(connection, [batch.by_id for batch in group])
        except Exception as error:
            # An OSError may be a statement that took too long: one by one they would wait again.
            if len(group) > 1 and not (is_away(error) or isinstance(error, OSError)):
                return False
            for batch in group:
                if not batch.outcomes.done():
                    batch.outcomes.set_exception(alike(error))
            return True
        rest = iter(outcomes)
        for batch in group:
            own = [next(rest) for _ in batch.offers]
            if not batch.outcomes.done():
                batch.outcomes.set_result(own)
        return True

    async def _store(
        self, connection: asyncpg.Connection, batches: Sequence[Mapping[str, Offer]]
    ) -> list[Outcome]:
        """Store events; again where others were at the same streams or ids."""
        claiming = any(offer.repeats for batch in batches for offer in batch.values())
        for tried in range(1, TRIES + 1):
            try:
                if claiming:
                    async with connection.transaction():
                        return await self._write(connection, batches)
                return await self._write(connection, batches)
            except MET:
                await asyncio.sleep(random.uniform(0, PAUSE * tried))  # noqa: S311
        raise Unavailable(
            "others write to the same streams without a pause: nothing was stored, try again",
            reason="STORE_BUSY",
        )

    async def _write(
        self, connection: asyncpg.Connection, batches: Sequence[Mapping[str, Offer]]
    ) -> list[Outcome]:
        offers = {event_id: offer for batch in batches for event_id, offer in batch.items()}
        numbers = [number for number, batch in enumerate(batches) for _ in batch]
        written = await connection.fetch(
            self._sql["append_outside"], *_columns([*offers.values()], numbers)
        )
        rows: dict[str, Row] = {}
        for event_id, version, _ in written:
            rows[event_id] = offers[event_id].stored(version)
        outcomes: list[Outcome]
        if len(rows) == len(offers):
            outcomes = [rows[event_id] for event_id in offers]
        else:
            rows |= await self._known(connection, [i for i in offers if i not in rows])
            outcomes = [outcome for batch in batches for outcome in _judged(batch.values(), rows)]
        if not any(offer.repeats for offer in offers.values()):
            return outcomes
        return await claims.settled(connection, [*offers.values()], outcomes)

    async def _known(
        self, connection: asyncpg.Connection, event_ids: Sequence[str]
    ) -> dict[str, Row]:
        rows = await connection.fetch(self._sql["known"], event_ids)
        return {row["event_id"]: row for row in rows}


def _columns(offers: Sequence[Offer], batches: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Lay events out as `append_outside` takes them."""
    yield [offer.event_id for offer in offers]
    columns = [*zip(*(offer.columns() for offer in offers), strict=True), batches]
    for column in columns:
        # The driver looks for a list in each place of a list, which costs more than the place.
        yield column[:1] if column.count(column[0]) == len(column) else column


def _given(offers: Mapping[str, Offer]) -> Mapping[str, Offer]:
    return offers


def _runs(offers: Sequence[Offer]) -> list[dict[str, Offer]]:
    """Cut where an id comes again: it is held against what is stored of the run before."""
    whole = {offer.event_id: offer for offer in offers}
    if len(whole) == len(offers):
        return [whole] if whole else []
    runs: list[dict[str, Offer]] = [{}]
    for offer in offers:
        if offer.event_id in runs[-1]:
            runs.append({})
        runs[-1][offer.event_id] = offer
    return runs


def _judged(batch: Iterable[Offer], rows: Mapping[str, Row]) -> Iterator[Outcome]:
    """The outcomes of one caller's events; from the first that is refused on, its."""
    refused: CausewayError | None = None
    for offer in batch:
        outcome = refused or offer.judged(rows[offer.event_id])
        if isinstance(outcome, CausewayError):
            refused = outcome
        yield outcome


def _ended() -> Unavailable:
    return Unavailable("the process ended: publish again", reason="OUTCOME_UNKNOWN")
