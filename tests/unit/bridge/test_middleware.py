"""Middlewares: composition, time limit, trying again."""

import asyncio
from typing import cast

import asyncpg
import pytest

from bridge.errors import DeadlineExceeded, FailedPrecondition, StaleVersion, Unavailable
from bridge.events.codec import decode
from bridge.events.event import caused_by
from bridge.handling import Handler, Handling, Middleware, compose
from bridge.middleware.contained import contained
from bridge.middleware.retry import LONGEST_PAUSE, MEETINGS, retriable, retry
from bridge.middleware.timeout import timeout
from bridge.middleware.trace import trace
from bridge.waiting import backoff
from tests.unit.bridge.test_codec import CATALOG, TRACEPARENT, record


def handling() -> Handling:
    event = decode(record(), CATALOG)
    return Handling(event, cast(asyncpg.Connection, None), caused_by(event))


async def test_the_first_middleware_is_the_outermost() -> None:
    said: list[str] = []

    def named(name: str) -> Middleware:
        def wrap(handler: Handler) -> Handler:
            async def inner(one: Handling) -> None:
                said.append(name)
                await handler(one)

            return inner

        return wrap

    async def last(_: Handling) -> None:
        said.append("handler")

    await compose([named("first"), named("second")], last)(handling())
    assert said == ["first", "second", "handler"]


async def test_a_handler_that_takes_too_long_fails_in_a_retriable_way() -> None:
    async def slow(_: Handling) -> None:
        await asyncio.sleep(5)

    with pytest.raises(DeadlineExceeded) as late:
        await timeout(0.01)(slow)(handling())
    assert retriable(late.value)


async def test_a_time_limit_counts_for_each_handler_anew() -> None:
    async def brief(_: Handling) -> None:
        await asyncio.sleep(0.2)

    limited = timeout(0.5)(brief)
    for _ in range(4):
        await limited(handling())


async def test_a_handler_that_catches_its_cancellation_is_late_all_the_same() -> None:
    async def stubborn(_: Handling) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    with pytest.raises(DeadlineExceeded):
        await timeout(0.01)(stubborn)(handling())
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_foreign_cancellation_is_an_error_that_may_heal() -> None:
    async def waits(_: Handling) -> None:
        call = asyncio.get_running_loop().create_future()
        call.cancel()
        await call

    with pytest.raises(Unavailable) as failed:
        await timeout(5)(contained(waits))(handling())
    assert failed.value.reason == "CANCELLED"


async def test_the_tasks_own_cancellation_and_its_time_limit_get_past_a_handler() -> None:
    async def slow(_: Handling) -> None:
        await asyncio.sleep(5)

    with pytest.raises(DeadlineExceeded):
        await timeout(0.01)(contained(slow))(handling())
    task = asyncio.ensure_future(contained(slow)(handling()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_is_no_time_limit() -> None:
    async def slow(_: Handling) -> None:
        await asyncio.sleep(5)

    task = asyncio.ensure_future(timeout(1)(slow)(handling()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_beats_the_time_limit() -> None:
    async def slow(_: Handling) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            task.cancel()
            raise

    task = asyncio.ensure_future(timeout(0.01)(slow)(handling()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_tracing_the_traceparent_is_carried_on() -> None:
    seen: list[str] = []

    async def look(one: Handling) -> None:
        seen.append(one.origin.traceparent)

    await trace("g")(look)(handling())
    assert seen == [TRACEPARENT]


def test_what_follows_keeps_actor_and_correlation() -> None:
    event = decode(record(), CATALOG)
    origin = caused_by(event)
    assert (origin.actor, origin.correlation_id) == ("users/u1", "c1")
    assert origin.causation_id == event.id
    root = event._replace(origin=event.origin._replace(correlation_id=""))
    assert caused_by(root).correlation_id == event.id


async def attempts(errors: list[Exception]) -> tuple[list[int], list[int], bool]:
    """Try with `errors` first: numbers of the attempts, numbers that were told, success."""
    tried: list[int] = []
    told: list[int] = []

    async def attempt(number: int) -> None:
        tried.append(number)
        if errors:
            raise errors.pop(0)

    done = await retry(attempt, lambda _, number: told.append(number), asyncio.Event())
    return tried, told, done


async def test_each_failure_counts_and_is_told() -> None:
    assert await attempts([Unavailable("x"), Unavailable("x")]) == ([1, 2, 3], [1, 2], True)


async def test_a_lost_race_counts_nothing() -> None:
    tried, told, done = await attempts([StaleVersion("x"), asyncpg.DeadlockDetectedError("x")])
    assert (tried, told, done) == ([1, 1, 1], [], True)


async def test_a_race_lost_for_ever_counts_in_the_end() -> None:
    tried, told, _ = await attempts([StaleVersion("x") for _ in range(MEETINGS + 1)])
    assert (tried[-1], told) == (2, [1])


async def test_a_database_that_is_away_is_told_but_does_not_count() -> None:
    tried, told, _ = await attempts([asyncpg.ClientCannotConnectError("x")])
    assert (tried, told) == ([1, 1], [0])


async def test_an_oserror_of_a_handler_and_wrong_use_of_the_driver_count() -> None:
    wrong = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    tried, told, _ = await attempts([ConnectionRefusedError(), wrong])
    assert (tried, told) == ([1, 2, 3], [1, 2])


async def test_closing_ends_the_trying() -> None:
    closing = asyncio.Event()

    async def attempt(_: int) -> None:
        closing.set()
        raise FailedPrecondition("x")

    assert not await retry(attempt, lambda *_: None, closing)


def test_pauses_double_and_are_capped() -> None:
    pauses = [backoff(attempt, 0.05, LONGEST_PAUSE) for attempt in range(1, 200)]
    assert pauses[:3] == [0.05, 0.1, 0.2]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE
