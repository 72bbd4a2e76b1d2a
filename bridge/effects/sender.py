"""The sender: carries deliveries out, outside of every transaction, and records the outcome."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg
import uuid_utils

from bridge import logs, telemetry
from bridge.database import acquire
from bridge.effects.deliveries import Delivery, Effect, Outcome, Result, delivery_of
from bridge.effects.places import Places
from bridge.errors import CausewayError, Unavailable
from bridge.listening import listening
from bridge.middleware.retry import retry
from bridge.outages import DRIVER, reason_of
from bridge.sql import queries
from bridge.waiting import backoff, wait_any

CHANNEL = "bridge_deliveries"


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds. A lease outlasts every attempt, else a second sender would send too."""

    attempt: float = 30.0
    lease: float = 60.0
    poll: float = 1.0
    """Between two looks for what is due again; new deliveries wake the sender at commit."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    at_once: int = 8
    """Deliveries of one sender that run side by side."""
    for_one: int | None = None
    """How many of these may be of one recipient, whose server may hang. None: all."""
    for_failing: int | None = None
    """How many may be of recipients with a failed try that waits for its next one, all together;
    each of them has one place. What hangs keeps hanging: the rest is for others. None: all."""
    attempts: int | None = None
    """After so many tries a retriable failure is the end too, with the last one's reason: for
    what others run and may have given up. None: for ever."""

    @property
    def settle(self) -> float:
        """How long an outcome is tried; what is left of the lease is for holding it back."""
        return 0.8 * (self.lease - self.attempt)


class Sender:
    """Leases due deliveries, carries them out, and records the outcome.

    Any number of senders may run: a lease keeps a delivery for one of them, and lapses if its
    sender dies. At least once: a sender that dies between the mail server's yes and the commit
    sends again. What was sent and has an outcome that can't be recorded ends as `unrecorded`: its
    effect is not repeated, and somebody has to look at it. An effect that fails in a retriable
    way is tried for ever, or as often as its `Pace` says, with capped pauses; where an error says
    when to come back (`Unavailable.retry_after`), not before, but for the cap.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        effects: Mapping[str, Effect],
        outcome: Outcome,
        pace: Pace = Pace(),
    ) -> None:
        """`effects` by the name that `enqueue` was given; others are left to other senders."""
        self._pool = pool
        self._effects = effects
        self._outcome = outcome
        self._pace = pace
        self._sql = queries("deliveries")

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; what was begun is finished."""
        failures = 0
        while not stop.is_set():
            try:
                async with (
                    acquire(self._pool) as connection,
                    listening(connection, CHANNEL) as (wake, lost),
                    Places(self._pace.at_once, wake) as places,
                ):
                    while not stop.is_set():
                        wake.clear()
                        await self._round(places)
                        failures = 0
                        await wait_any(self._pace.poll, wake, lost, stop)
                        if lost.is_set():
                            raise ConnectionError("the listening connection is gone")
            except DRIVER as error:
                failures += 1
                logs.warning("sender.interrupted", cause=type(error).__name__)
                await wait_any(backoff(failures, self._pace.first_pause, 5.0), stop)

    async def _round(self, places: Places) -> None:
        """Begin what is due, as far as there are places."""
        while (free := places.free()) and await self._begin(places, free):
            # Behind what one recipient has too much of may be others' turn.
            pass

    async def _begin(self, places: Places, free: int) -> bool:
        """Whether there may be more that is due."""
        token = str(uuid_utils.uuid4())
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                self._sql["lease"],
                list(self._effects),
                free,
                token,
                self._pace.lease,
                self._pace.for_one,
                self._pace.for_failing,
            )
        for row in rows:
            places.take(self._carry_out(delivery_of(row), token))
        return bool(rows) and not (self._pace.for_one is self._pace.for_failing is None)

    async def _carry_out(self, delivery: Delivery, token: str) -> None:
        name = f"deliver {delivery.effect}"
        attributes: telemetry.Attributes = {
            "causeway.delivery.id": delivery.id,
            "causeway.attempt": delivery.attempt,
        }
        with telemetry.span(
            name, kind="client", parent=delivery.origin.traceparent, attributes=attributes
        ):
            origin = delivery.origin._replace(traceparent=telemetry.traceparent())
            delivery = replace(delivery, origin=origin)
            error = await self._attempt(delivery)
            if error is None:
                await self._settle(delivery, token, Result(True, delivery.attempt))
            elif self._is_end(delivery, error):
                result = Result(False, delivery.attempt, reason_of(error))
                await self._settle(delivery, token, result)
            else:
                await self._postpone(delivery, token, error)

    async def _attempt(self, delivery: Delivery) -> Exception | None:
        try:
            async with asyncio.timeout(self._pace.attempt):
                await self._effects[delivery.effect](delivery)
        except Exception as error:
            logs.warning(
                "delivery.attempt_failed",
                delivery=delivery.id,
                effect=delivery.effect,
                attempt=delivery.attempt,
                cause=type(error).__name__,
            )
            return error
        return None

    def _is_end(self, delivery: Delivery, error: Exception) -> bool:
        if isinstance(error, CausewayError) and not error.retriable:
            return True
        return self._pace.attempts is not None and delivery.attempt >= self._pace.attempts

    async def _settle(self, delivery: Delivery, token: str, result: Result) -> None:
        """Record the end, again and again while the lease stands; what was sent and can't be
        recorded is held back then, else it would be sent again."""

        async def attempt(_: int) -> None:
            await self._end(delivery, token, result)

        def failed(error: Exception, attempts: int) -> None:
            logs.error("delivery.outcome_failed", error, delivery=delivery.id, attempts=attempts)

        try:
            async with asyncio.timeout(self._pace.settle):
                await retry(attempt, failed, asyncio.Event())
        except TimeoutError:
            held = result.sent and await self._hold(delivery, token)
            logs.error("delivery.outcome_lost", delivery=delivery.id, sent=result.sent, held=held)

    async def _hold(self, delivery: Delivery, token: str) -> bool:
        """Note that it was sent, in a transaction of its own, without the outcome."""
        try:
            async with acquire(self._pool) as connection:
                return bool(await connection.fetchval(self._sql["hold"], delivery.id, token))
        except DRIVER as error:
            logs.error("delivery.hold_failed", error, delivery=delivery.id)
            return False

    async def _end(self, delivery: Delivery, token: str, result: Result) -> None:
        """Mark the end and let the service record it: both or neither."""
        state = "sent" if result.sent else "failed"
        async with acquire(self._pool) as connection, connection.transaction():
            if await connection.fetchval(
                self._sql["end"], delivery.id, token, state, result.reason
            ):
                await self._outcome(delivery, result, connection)
            else:
                # Our lease ran out and somebody else has it: the end is theirs to tell.
                logs.warning("delivery.lease_lost", delivery=delivery.id)

    async def _postpone(self, delivery: Delivery, token: str, error: Exception) -> None:
        pause = backoff(delivery.attempt, self._pace.first_pause, self._pace.longest_pause)
        if isinstance(error, Unavailable):
            pause = min(max(pause, error.retry_after), self._pace.longest_pause)
        async with acquire(self._pool) as connection:
            await connection.execute(
                self._sql["postpone"], delivery.id, token, pause, reason_of(error)
            )
