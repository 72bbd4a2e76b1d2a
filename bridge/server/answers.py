"""Writes the answers of one stream: what the handler yields, signs of life, the end record.

The fields are found by name in the method's answer, so no handler knows of them: `heartbeat`
(google.protobuf.Empty), `end` (google.rpc.Status) and `resume_token`.
"""

import asyncio
import contextlib
from typing import Any

import grpc.aio
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

LAST_WORD = 2.0
"""Seconds that a reader who does not read has for the end record."""


class Answers:
    """One message on its way at a time, whoever writes: gRPC refuses a second one.

    `begun`: there was a message, so a status in front of it is no longer possible. `rest`: the
    caller came through the edge's transcoder, which loses the trailers of a stream that has begun.
    """

    def __init__(
        self, context: "grpc.aio.ServicerContext[Any, Any]", kind: type[Message], *, rest: bool
    ) -> None:
        self._context, self._kind, self._rest = context, kind, rest
        self._fields = kind.DESCRIPTOR.fields_by_name
        self._writing: asyncio.Task[None] | None = None
        self._resume_token = ""
        self._now = asyncio.get_running_loop().time
        self._since = self._now()
        self.begun = False

    @property
    def beats(self) -> bool:
        """Whether there is a field for signs of life."""
        return "heartbeat" in self._fields

    @property
    def silence(self) -> float:
        """Seconds since a message was done; 0 while one is on its way to a slow reader."""
        return 0.0 if self._busy() else self._now() - self._since

    async def write(self, answer: Message) -> None:
        """Write one message; returns when the transport has taken it.

        Shielded: a write that is cut short would leave gRPC busy, and the end record could not
        follow.
        """
        while self._busy():
            await asyncio.wait((self._writing,))  # type: ignore[type-var]
        self.begun = True
        self._resume_token = getattr(answer, "resume_token", "") or self._resume_token
        self._writing = asyncio.create_task(self._context.write(answer))
        try:
            await asyncio.shield(self._writing)
        finally:
            self._since = self._now()

    async def beat(self) -> None:
        """Write a sign of life, with the token of the last answer."""
        await self.write(self._made(heartbeat=Empty()))

    async def end(self, status: Status) -> None:
        """Write the end record where the caller came by REST and would not hear of it otherwise.

        An error before the first message needs none: it is still the status of the whole answer.
        """
        if not self._rest or "end" not in self._fields or (status.code and not self.begun):
            return
        with contextlib.suppress(TimeoutError, grpc.aio.UsageError):
            async with asyncio.timeout(LAST_WORD):
                await self.write(self._made(end=status))

    def _busy(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def _made(self, **payload: Message) -> Message:
        made: Message = self._kind(**payload)
        if self._resume_token:
            made.resume_token = self._resume_token  # type: ignore[attr-defined]
        return made
