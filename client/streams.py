"""Follows a stream over its ends: a drained replica, a lost connection, a token that ran out."""

import asyncio
import random
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from client.errors import CallFailed, Unavailable

PATIENCE = 30.0
"""Seconds without an answer, over as many tries as fit, until a caller is told: longer than a
process takes to come back."""
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Seconds between tries that bring nothing, doubled, with jitter."""
SILENCE = 40.0
"""Seconds without an answer until a stream is given up: a server shows every 15 s that it lives."""

AWAY = grpc.StatusCode.UNAVAILABLE
# A stream ends with these when its token or its time is over; twice in a row they are final.
SPENT = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.DEADLINE_EXCEEDED)


class Patience:
    """How often and how long a stream is opened again without an answer."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._fruitless = 0

    def renew(self) -> None:
        """An answer came, or nothing is asked for."""
        self._since, self._fruitless = time.monotonic(), 0

    def wait_after(self, error: CallFailed) -> float:
        """Seconds until the next try; raises the error where that would end like this one."""
        self._fruitless += 1
        spent = error.code in SPENT
        tired = spent or time.monotonic() - self._since > PATIENCE
        if not (spent or _broke(error)) or (self._fruitless > 1 and tired):
            raise error
        wait: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self._fruitless - 1))
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)


def _broke(error: CallFailed) -> bool:
    """Whether nobody refused. A stream that is reset is INTERNAL to gRPC; a server's own INTERNAL
    has a reason."""
    reset = error.code is grpc.StatusCode.INTERNAL and not error.reason
    return error.code is AWAY or reset


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
    CallFailed for a refusal, or after PATIENCE without an answer; its `resume_token` goes on where
    this ended. DATA_LOSS is a record that nobody can read: its token goes on behind that record.
    """
    following = type(request)()
    following.CopyFrom(request)
    path = request.DESCRIPTOR.full_name.removesuffix("Request")
    patience = Patience()
    while True:
        try:
            async for answer in listen(method(following), silence, path):
                patience.renew()
                if answer.resume_token:
                    following.resume_token = answer.resume_token  # type: ignore[attr-defined]
                if answer.WhichOneof("payload") != "heartbeat":
                    yield answer
        except CallFailed as error:
            error.resume_token = following.resume_token  # type: ignore[attr-defined]
            await asyncio.sleep(patience.wait_after(error))
        else:
            return


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
