"""The outermost step: every failure becomes a `google.rpc.Status`, and none tells too much.

grpc.aio sends the text of an unexpected exception to the caller; here it goes to the log, and
the caller gets INTERNAL (13) with the request's id to quote.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from bridge import logs
from bridge.errors import (
    CausewayError,
    FieldViolation,
    Internal,
    InvalidArgument,
    Unauthenticated,
    Unavailable,
)
from bridge.server.call import Call, Handler, Step

DOMAIN = "causeway"
DETAILS_KEY = "grpc-status-details-bin"
CHALLENGE = ("www-authenticate", 'Bearer realm="causeway"')
# A client drops the whole answer, code and all, if its metadata passes 8 KiB (grpc's default). It
# holds the message twice, once percent-encoded (x 3), and the details in base64 (x 4/3).
MESSAGE_BYTES = 512
VIOLATIONS_BYTES = 2560
MAX_VIOLATIONS = 20
TEXT_BYTES = 256
"""Of a field's path, a description, a value of the metadata."""
Translate = Callable[[Exception], CausewayError | None]


def error_step(translate: Translate) -> Step:
    """Make the step; `translate` names the library errors that have a meaning for callers."""

    async def answer_errors(call: Call, proceed: Handler) -> bytes | None:
        try:
            answer = await proceed(call)
        except (grpc.aio.AbortError, grpc.aio.UsageError):
            raise  # The call has its status already, or its caller is gone.
        except Exception as error:
            known = error if isinstance(error, CausewayError) else translate(error)
            if known is None or isinstance(known, Internal):
                known = unexpected(call, error)
            await abort(call, known)
            raise AssertionError("abort returned") from error
        if call.answers is not None:
            await call.answers.end(status_pb2.Status())
        return answer

    return answer_errors


def unexpected(call: Call, error: Exception) -> Internal:
    """Log an error that nobody declared; the answer holds the request's id alone."""
    logs.error("call.failed", error, method=call.method.path, request=call.correlation_id)
    return Internal("")


async def abort(call: Call, error: CausewayError) -> None:
    """End the call with the error's status; raises grpc's AbortError."""
    status = status_of(error, call.correlation_id)
    if call.answers is not None:
        await call.answers.end(status)
    with contextlib.suppress(grpc.aio.UsageError):
        await call.context.abort(error.code, status.message, trailers_of(error, status))


def trailers_of(error: CausewayError, status: status_pb2.Status) -> tuple[tuple[str, Any], ...]:
    """The status as a whole, and for a REST caller what a 401 must say (RFC 9110, 11.6.1)."""
    whole = (DETAILS_KEY, status.SerializeToString())
    return (whole, CHALLENGE) if isinstance(error, Unauthenticated) else (whole,)


def status_of(error: CausewayError, request_id: str) -> status_pb2.Status:
    """Build the status that a caller sees."""
    message = clipped(error.message, MESSAGE_BYTES)
    if isinstance(error, Internal):
        message = f"internal error; request {request_id}"
    status = status_pb2.Status(code=code_pb2.Code.Value(error.code.name), message=message)
    for detail in details_of(error, request_id):
        status.details.add().Pack(detail)
    return status


def details_of(error: CausewayError, request_id: str) -> list[Message]:
    """List the details of an error: ErrorInfo always (AIP-193), the others where they apply."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    details: list[Message] = [info]
    if isinstance(error, Internal):
        details.append(error_details_pb2.RequestInfo(request_id=request_id))
        return details
    info.metadata.update({k: clipped(v, TEXT_BYTES) for k, v in error.metadata.items()})
    if isinstance(error, InvalidArgument) and error.violations:
        details.append(bad_request(error.violations))
    if isinstance(error, Unavailable):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(retry)
    return details


def bad_request(violations: Sequence[FieldViolation]) -> error_details_pb2.BadRequest:
    """Name the wrong fields, the first ones where they are too many for an answer."""
    bad = error_details_pb2.BadRequest()
    for violation in violations[:MAX_VIOLATIONS]:
        bad.field_violations.add(
            field=clipped(violation.field, TEXT_BYTES),
            description=clipped(violation.description, TEXT_BYTES),
        )
        if bad.ByteSize() > VIOLATIONS_BYTES:
            bad.field_violations.pop()
            break
    return bad


def clipped(text: str, limit: int) -> str:
    """Cut a text to `limit` bytes of UTF-8, never within a character."""
    if len(raw := text.encode()) <= limit:
        return text
    return raw[: limit - 3].decode(errors="ignore") + "…"
