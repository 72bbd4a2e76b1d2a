"""Takes events from outside into the store: those that come at the same time share one commit.

Unlike a command's, their appends expect no version: each goes to the end of its stream, many of one
stream in one group. An event whose id is stored already is not written again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import asyncpg

from bridge.database import acquire
from bridge.errors import CausewayError, Unavailable
from bridge.outages import is_away
from bridge.sql import queries
from bridge.store import claims
from bridge.store.alike import alike
from bridge.store.bursts import Bursts, Making, ready
from bridge.store.columns import columns
from bridge.store.offer import Offer, Outcome, Row

MOST = 512
"""Events of one group."""
TRIES = 20
PAUSE = 0.005
"""Seconds, grown by each try and scattered: other processes write the same streams."""
MET = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)


class _Batch(Making[list[Outcome], Mapping[str, Offer]]):
    """One caller's events."""

    __slots__ = ()

    @property
    def by_id(self) -> Mapping[str, Offer]:
        """By their ids, in their order."""
        return self.made or {}


class Intake:
    """Of one process. Holds a connection only while it writes."""

    def __init__(self, pool: asyncpg.Pool, most: int = MOST) -> None:
        self._pool = pool
        self._most = most
        self._sql = queries("intake")
        self._bursts = Bursts(self._next, self._commit_all, _ended)

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
        self._bursts.put(batch)
        return await batch.outcome

    def _next(self, waiting: deque[_Batch]) -> Sequence[_Batch]:
        """Form a group; an empty one where all that were looked at came to nothing."""
        taken: list[_Batch] = []
        later: list[_Batch] = []
        ids: set[str] = set()
        for batch in ready(waiting, self._most):
            if taken and len(ids) + len(batch.by_id) > self._most:
                break
            # Of two with one id the first is stored, and the second held against it.
            (taken if ids.isdisjoint(batch.by_id) else later).append(batch)
            ids.update(batch.by_id)
        # Behind the others: who repeats itself without an end keeps nobody out.
        waiting.extend(later)
        return taken

    async def _commit_all(self, group: Sequence[_Batch]) -> None:
        """Store a group; where it fails as a whole, its halves: most of it is good."""
        if not await self._commit(group):
            half = len(group) // 2
            for part in (group[:half], group[half:]):
                # Whose caller is gone is left out.
                if waiting := [batch for batch in part if batch.waits]:
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
                batch.fail(alike(error))
            return True
        rest = iter(outcomes)
        for batch in group:
            batch.answer([next(rest) for _ in batch.by_id])
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
    yield from columns([(*offer.columns(), n) for offer, n in zip(offers, batches, strict=True)])


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
