"""Follows a stream over its ends: a drained replica, a lost connection, a token that ran out."""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from client.errors import CallFailed, Unavailable

TRIES = 6
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Tries in a row that bring nothing, and the seconds between them (doubled, with jitter)."""
SILENCE = 40.0
"""Seconds without an answer until a stream is given up: a server shows every 15 s that it lives."""

AWAY = grpc.StatusCode.UNAVAILABLE
# A stream ends with these when its token or its time is over; at the first answer they are final.
SPENT = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.DEADLINE_EXCEEDED)


class Resumable(Protocol):
    """An answer that says where to go on, and may be a mere sign of life."""

    resume_token: str

    def WhichOneof(self, oneof_group: Any, /) -> Any:  # noqa: N802  protobuf's name
        """The field of the oneof that is set."""


Request = TypeVar("Request", bound=Message)
Request_contra = TypeVar("Request_contra", bound=Message, contravariant=True)
Answer = TypeVar("Answer", bound=Resumable)
Told_co = TypeVar("Told_co", covariant=True)
Told = TypeVar("Told")


class Stream(AsyncIterable[Told_co], Protocol[Told_co]):
    """An open call."""

    def cancel(self) -> bool:
        """End it."""


class Opening(Protocol[Request_contra, Told_co]):
    """A method with a stream of answers, as the stubs have it."""

    def __call__(self, request: Request_contra, /) -> Stream[Told_co]:
        """Open the stream."""


async def follow(
    method: Opening[Request, Answer], request: Request, *, silence: float = SILENCE
) -> AsyncIterator[Answer]:
    """Every answer once, without signs of life, from as many streams as it takes::

    async for change in follow(causeway.orders.WatchOrder, WatchOrderRequest(name=order.name)):

    A stream that breaks, that is drained, whose token is over or that says nothing for `silence`
    seconds is opened again with the resume token of the last answer. Ends when a stream ends well.
    CallFailed for a refusal, or after TRIES without an answer.
    """
    following = type(request)()
    following.CopyFrom(request)
    path = request.DESCRIPTOR.full_name.removesuffix("Request")
    fruitless, resumed = 0, False
    while True:
        try:
            async for answer in listen(method(following), silence, path):
                fruitless = 0
                if answer.resume_token:
                    following.resume_token = answer.resume_token  # type: ignore[attr-defined]
                    resumed = True
                if answer.WhichOneof("payload") != "heartbeat":
                    yield answer
        except CallFailed as error:
            fruitless += 1
            spent = error.code in SPENT and fruitless == 1 and resumed
            if not spent and (error.code is not AWAY or fruitless >= TRIES):
                raise
        else:
            return
        await asyncio.sleep(pause(fruitless))


async def listen(call: Stream[Told], silence: float, path: str) -> AsyncIterator[Told]:
    """The answers of one stream; Unavailable when it says nothing for so many seconds."""
    answers = aiter(call)
    answer: asyncio.Future[Told | None] | None = None
    try:
        while True:
            # A task of its own: to cut the wait short would end the stream itself.
            answer = asyncio.ensure_future(anext(answers, None))
            await asyncio.wait([answer], timeout=silence)
            if not answer.done():
                raise Unavailable(path, AWAY, f"silent for {silence:g} s")
            if (told := answer.result()) is None:
                return
            yield told
    finally:
        call.cancel()
        if answer is not None:
            answer.cancel()


def pause(fruitless: int) -> float:
    """Seconds until the next try, after so many (at least 1) that brought nothing."""
    wait: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (fruitless - 1))
    return wait * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
