"""What every call gets on its way: token, deadline, request_id, retries, a readable error.

These are grpc.aio interceptors, so the generated stubs stay what callers use and see.
"""

import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import stamina
from google.protobuf.message import Message
from grpc.aio import ClientCallDetails, Metadata

from client.errors import CallFailed, call_failed
from client.methods import REQUEST_ID, is_public, may_repeat, takes_request_id
from client.tokens import TokenSource

ATTEMPTS = 4
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Seconds between tries of a call that found the service away; with jitter."""

Continuation = Callable[[ClientCallDetails, Any], Awaitable[Any]]


class UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Calls with one answer. UNAVAILABLE is tried again where a repeat is safe, in the deadline."""

    def __init__(self, token: TokenSource | None, timeout: float) -> None:
        self._token = token
        self._timeout = timeout

    async def intercept_unary_unary(
        self, continuation: Continuation, client_call_details: ClientCallDetails, request: Any
    ) -> Any:
        """Send it; CallFailed on a refusal."""
        path = path_of(client_call_details)
        request = with_request_id(request)
        timeout = client_call_details.timeout or self._timeout
        deadline = time.monotonic() + timeout
        attempts = ATTEMPTS if may_repeat(path, request) else 1
        tries = stamina.retry_context(
            on=partial(_wait_before_retry, deadline),
            attempts=attempts,
            timeout=timeout,
            wait_initial=FIRST_WAIT,
            wait_max=LONGEST_WAIT,
        )
        async for attempt in tries:
            with attempt:
                details = await authorized(client_call_details, path, self._token)
                left = max(deadline - time.monotonic(), 0.001)
                call = await continuation(_replace(details, timeout=left), request)
                try:
                    return await call
                except grpc.aio.AioRpcError as error:
                    raise call_failed(path, error) from error
        raise AssertionError("a try either returns or raises")


class StreamCalls(grpc.aio.UnaryStreamClientInterceptor):
    """Calls with a stream of answers: no deadline but the caller's, no retry (see `follow`)."""

    def __init__(self, token: TokenSource | None) -> None:
        self._token = token

    async def intercept_unary_stream(
        self, continuation: Continuation, client_call_details: ClientCallDetails, request: Any
    ) -> Any:
        """Open it; CallFailed from the iteration when it breaks."""
        path = path_of(client_call_details)
        details = await authorized(client_call_details, path, self._token)
        call = await continuation(details, request)
        return _answers(path, call)


class DuplexCalls(grpc.aio.StreamStreamClientInterceptor):
    """Calls with a stream both ways: as StreamCalls (see `publishing`)."""

    def __init__(self, token: TokenSource | None) -> None:
        self._token = token

    async def intercept_stream_stream(
        self,
        continuation: Continuation,
        client_call_details: ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        """Open it; CallFailed from the iteration when it breaks."""
        path = path_of(client_call_details)
        details = await authorized(client_call_details, path, self._token)
        return _answers(path, await continuation(details, request_iterator))


async def _answers(path: str, call: Any) -> AsyncIterator[Any]:
    try:
        async for answer in call:
            yield answer
    except grpc.aio.AioRpcError as error:
        raise call_failed(path, error) from error
    finally:
        call.cancel()


def path_of(details: ClientCallDetails) -> str:
    """`/package.Service/Method`."""
    method: Any = details.method
    return method.decode() if isinstance(method, bytes) else str(method)


def with_request_id(request: Message) -> Message:
    """The request with a `request_id` of its own where it may have one and has none.

    The caller's message is not touched: sent again by its owner it is another request.
    """
    if not takes_request_id(request) or getattr(request, REQUEST_ID):
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    setattr(copy, REQUEST_ID, str(uuid.uuid4()))
    return copy


async def authorized(
    details: ClientCallDetails, path: str, token: TokenSource | None
) -> ClientCallDetails:
    """The call with the caller's token, but for a public method."""
    if token is None or is_public(path):
        return details
    metadata = Metadata(*(details.metadata or ()))
    metadata.add("authorization", f"Bearer {await token()}")
    return _replace(details, metadata=metadata)


def _replace(details: Any, **changes: object) -> ClientCallDetails:
    """A changed copy: the class is a named tuple, which its stubs do not say."""
    changed: ClientCallDetails = details._replace(**changes)
    return changed


def _wait_before_retry(deadline: float, error: Exception) -> bool | float:
    """Whether to try again; the server's own word for how long to wait, if it gave one.

    A time that ends behind the deadline is none: who asked learns at once that it failed.
    """
    if not isinstance(error, CallFailed) or error.code is not grpc.StatusCode.UNAVAILABLE:
        return False
    if error.retry_after is None:
        return True
    wait = error.retry_after * random.uniform(1.0, 1.2)  # noqa: S311 (jitter)
    return wait if time.monotonic() + wait < deadline else False
