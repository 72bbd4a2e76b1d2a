"""Signs of life on a stream that has nothing to say: else the edge cuts it after 60 s."""

import asyncio

import grpc.aio

from bridge.server.answers import Answers
from bridge.server.call import Call, Handler, Step

OPENING = 1.0
"""Seconds of silence until the first one: a reader learns that its stream is open."""


def heartbeat_step(interval: float) -> Step:
    """Make the step; `interval` is the seconds of silence between two signs of life."""

    async def keep_alive(call: Call, proceed: Handler) -> bytes | None:
        if call.answers is None or not call.answers.beats:
            return await proceed(call)
        beating = asyncio.create_task(beat(call.answers, interval))
        try:
            return await proceed(call)
        finally:
            beating.cancel()

    return keep_alive


async def beat(answers: Answers, interval: float) -> None:
    """Beat until cancelled, or until the caller is gone.

    A reader that does not read is not idle: nothing is put on top of what it has to read yet.
    """
    while True:
        pause = interval if answers.begun else min(interval, OPENING)
        if answers.silence < pause:
            await asyncio.sleep(pause - answers.silence)
            continue
        try:
            await answers.beat()
        except grpc.aio.UsageError:
            return  # The call is over, and its handler is being told.
