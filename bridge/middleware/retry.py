"""Trying one event again, each time in a transaction of its own.

Around the attempt and not around the handler: after an error PostgreSQL takes nothing more in the
same transaction.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg

from bridge.errors import CausewayError, StaleVersion
from bridge.outages import is_away
from bridge.waiting import backoff, wait_any

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0
AWAY_PAUSE = 1.0
# Where only a change of code or data helps, asking often is of no use.
HOPELESS_PAUSE = 1.0
LONGEST_HOPELESS_PAUSE = 30.0
# Two writers of one stream meet: reload and decide again, at once. More than this is no meeting.
MEETINGS = 50

LOST_RACES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, StaleVersion)
# A lock or a statement that took too long, a server short of memory, a standby not promoted yet.
PASSING = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
)

Attempt = Callable[[int], Awaitable[None]]
Failed = Callable[[Exception, int], None]
Away = Callable[[Exception], None]


def retriable(error: Exception) -> bool:
    """Whether the same event may be handled later without anybody changing anything."""
    if isinstance(error, CausewayError):
        return error.retriable
    return is_away(error) or isinstance(error, (OSError, *LOST_RACES, *PASSING))


async def once(attempt: Callable[[], Awaitable[None]], away: Away, closing: asyncio.Event) -> bool:
    """Make one attempt that counts; raises its error. False if `closing` came before an end.

    A lost race is no attempt, and a database that is away nobody's fault: both are tried again
    here. `away` hears each time that the database is.
    """
    meetings = 0
    while not closing.is_set():
        try:
            await attempt()
        except LOST_RACES:
            meetings += 1
            if meetings == MEETINGS:
                raise
            await wait_any(random.uniform(0, 0.02), closing)  # noqa: S311 (no secret)
        except Exception as error:
            if not is_away(error):
                raise
            away(error)
            await wait_any(AWAY_PAUSE, closing)
        else:
            return True
    return False


async def retry(attempt: Attempt, failed: Failed, closing: asyncio.Event) -> bool:
    """Call `attempt(1)`, `attempt(2)`, … until it returns; False if `closing` came first.

    `failed` hears each error with the number of attempts so far: 0 where the database is away.
    """
    attempts = 1
    while not closing.is_set():
        try:
            return await once(partial(attempt, attempts), lambda error: failed(error, 0), closing)
        except Exception as error:
            failed(error, attempts)
            await wait_any(_pause(error, attempts), closing)
            attempts += 1
    return False


def _pause(error: Exception, attempts: int) -> float:
    if retriable(error):
        return backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE)
    return backoff(attempts, HOPELESS_PAUSE, LONGEST_HOPELESS_PAUSE)
