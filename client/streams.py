"""Follows a stream over its ends: a drained replica, a lost connection, a token that ran out."""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Protocol, TypeVar

import grpc

from client.errors import CallFailed

TRIES = 6
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Tries in a row that bring nothing, and the seconds between them (doubled, with jitter)."""

AWAY = grpc.StatusCode.UNAVAILABLE
# A stream ends with these when its token or its time is over; at the first answer they are final.
SPENT = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.DEADLINE_EXCEEDED)


class Resumable(Protocol):
    """An answer that says where to go on."""

    resume_token: str


Answer = TypeVar("Answer", bound=Resumable)


async def resume(
    opening: Callable[[str], AsyncIterable[Answer]], token: str = ""
) -> AsyncIterator[Answer]:
    """Every answer once, heartbeats too, from as many streams as it takes.

    `opening` gets the resume token of the last answer, empty at first::

        resume(lambda token: causeway.orders.WatchOrder(
            WatchOrderRequest(name=order.name, resume_token=token)))

    Ends when a stream ends well. CallFailed for a refusal, or after TRIES without an answer.
    """
    fruitless = 0
    while True:
        try:
            async for answer in opening(token):
                token, fruitless = answer.resume_token or token, 0
                yield answer
        except CallFailed as error:
            fruitless += 1
            spent = error.code in SPENT and fruitless == 1 and bool(token)
            if not spent and (error.code is not AWAY or fruitless >= TRIES):
                raise
        else:
            return
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (fruitless - 1))
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
