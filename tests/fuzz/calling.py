"""Calls with raw bytes, over one channel, as any client could make them."""

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from tests.fuzz.surface import Method

PATIENCE = 20.0
"""Seconds; more than any unary method may take."""
GLANCE = 0.3
"""Seconds that a stream is listened to."""
HEARD = 1
"""Answers of a stream that are waited for."""
DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended; `said` is every word of its status and of the status' details."""

    code: grpc.StatusCode
    said: str = ""


def call(
    channel: Any, method: Method, messages: Sequence[bytes], token: str | None, pause: float
) -> Answer:
    """Call and wait for the end; of a stream, for its first answers. `pause`: seconds before."""
    time.sleep(pause)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        if method.server_streams:
            return _stream(channel, method, messages, metadata)
        channel.unary_unary(method.path)(messages[0], timeout=PATIENCE, metadata=metadata)
    except grpc.RpcError as error:
        return Answer(error.code(), words_of(error))
    return Answer(grpc.StatusCode.OK)


def _stream(
    channel: Any,
    method: Method,
    messages: Sequence[bytes],
    metadata: tuple[tuple[str, str], ...],
) -> Answer:
    answers: Any
    if method.client_streams:
        answers = channel.stream_stream(method.path)(iter(messages), metadata=metadata)
    else:
        answers = channel.unary_stream(method.path)(messages[0], metadata=metadata)
    # Hung up, not timed out: at the very moment of a deadline it is open who tells of it.
    tired = threading.Timer(GLANCE, answers.cancel)
    tired.start()
    try:
        for count, _ in enumerate(answers, 1):
            if count == HEARD:
                break
    finally:
        tired.cancel()
        answers.cancel()
    return Answer(grpc.StatusCode.OK)


def words_of(error: Any) -> str:
    """The message of a status and the texts of its details."""
    said = [error.details() or ""]
    trailers: Sequence[tuple[str, bytes]] = error.trailing_metadata() or ()
    said += [_details(value) for key, value in trailers if key == DETAILS]
    return " | ".join(said)


def _details(raw: bytes) -> str:
    status = Status()
    with contextlib.suppress(DecodeError):
        status.ParseFromString(raw)
    # The names of the types are part of the protocol; all else is words.
    values = [detail.value.decode(errors="replace") for detail in status.details]
    return " ".join([status.message, *values])


def command(target: str, method: Method, messages: Sequence[bytes], role: str) -> str:
    """A line for a shell that makes the same call; the token is left to its reader.

    curl, because a message may be no message: grpcurl sends JSON that fits the type.
    """
    frames = b"".join(b"\0" + len(one).to_bytes(4, "big") + one for one in messages)
    token = "" if role == "nobody" else f'-H "authorization: Bearer $TOKEN_OF_{role.upper()}" '
    return (
        f"printf %s {frames.hex()} | xxd -r -p | curl -isS --http2-prior-knowledge "
        f"-H 'content-type: application/grpc' -H 'te: trailers' {token}"
        f"--data-binary @- http://{target}{method.path}"
    )
