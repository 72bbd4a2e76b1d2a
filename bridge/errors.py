# ruff: noqa: N818 - the classes are named for the status codes that they carry.
"""The one error tree of services and bridge: a closed code, a reason, and whether to try again.

::

    CausewayError
    ├── InvalidArgument     INVALID_ARGUMENT    the request is wrong, whatever the state
    ├── OutOfRange          OUT_OF_RANGE        a position that is gone
    ├── NotFound            NOT_FOUND           missing, or somebody else's: the same words
    ├── AlreadyExists       ALREADY_EXISTS      the name is taken
    ├── FailedPrecondition  FAILED_PRECONDITION illegal transition, request_id with another body
    ├── StaleVersion        ABORTED             etag or stream version moved on      (retriable)
    ├── Unauthenticated     UNAUTHENTICATED     no token, or one that does not hold
    ├── PermissionDenied    PERMISSION_DENIED   the token holds, the access rule does not
    ├── ResourceExhausted   RESOURCE_EXHAUSTED  a quota or a size                    (retriable)
    ├── DeadlineExceeded    DEADLINE_EXCEEDED   the time is up                       (retriable)
    ├── Unavailable         UNAVAILABLE         something we depend on is away       (retriable)
    ├── Undecodable         DATA_LOSS           a record that no known schema reads
    └── Internal            INTERNAL            a broken invariant of ours

`retriable` answers one question: may the same thing succeed later without anybody changing it?
The server kit turns an error into a `google.rpc.Status`; the consumer tries what is retriable again
for some seconds, then parks the event's key and goes on by itself later, and parks any other error
at once, until somebody asks for a redrive. Nobody reads the text to tell errors apart.
One more is in `bridge.server.pipeline`, which alone raises it: `Unimplemented`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import grpc


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field: its path as the proto spells it, and what is wrong with it."""

    field: str
    description: str


class CausewayError(Exception):
    """Base of all errors with a contract.

    `message` is shown to callers: no secret, no personal data, no internals. `reason` is
    UPPER_SNAKE and stable (`ErrorInfo.reason`); `metadata` names what the message talks about
    (`ErrorInfo.metadata`). Raise one of the subclasses: the base has no code of its own.
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    default_reason: ClassVar[str] = "INTERNAL"
    default_retriable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retriable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.retriable = self.default_retriable if retriable is None else retriable


class InvalidArgument(CausewayError):
    """The request is wrong, whatever the state; `violations` name the fields, if it is fields."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    default_reason = "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str,
        *,
        violations: tuple[FieldViolation, ...] = (),
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.violations = violations


class OutOfRange(CausewayError):
    """A position that is gone, or not there yet."""

    code = grpc.StatusCode.OUT_OF_RANGE
    default_reason = "OUT_OF_RANGE"


class NotFound(CausewayError):
    """Missing, or somebody else's. Use `not_found` for resources, so that the words agree."""

    code = grpc.StatusCode.NOT_FOUND
    default_reason = "RESOURCE_NOT_FOUND"


class AlreadyExists(CausewayError):
    """What should be made is there, and not by this request."""

    code = grpc.StatusCode.ALREADY_EXISTS
    default_reason = "RESOURCE_ALREADY_EXISTS"


class FailedPrecondition(CausewayError):
    """The state does not allow it: an illegal transition, a request_id with another body."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    default_reason = "FAILED_PRECONDITION"


class StaleVersion(CausewayError):
    """Somebody else was first: the etag or the stream version is not the present one."""

    code = grpc.StatusCode.ABORTED
    default_reason = "STALE_VERSION"
    default_retriable = True


class Unauthenticated(CausewayError):
    """No token, or one that does not hold."""

    code = grpc.StatusCode.UNAUTHENTICATED
    default_reason = "UNAUTHENTICATED"


class PermissionDenied(CausewayError):
    """The token holds, but the access rule does not let its caller in."""

    code = grpc.StatusCode.PERMISSION_DENIED
    default_reason = "PERMISSION_DENIED"


class ResourceExhausted(CausewayError):
    """A quota, or a size limit."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    default_reason = "RESOURCE_EXHAUSTED"
    default_retriable = True


class DeadlineExceeded(CausewayError):
    """The time is up; whether the work was done is unknown."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    default_reason = "DEADLINE_EXCEEDED"
    default_retriable = True


class Unavailable(CausewayError):
    """Something that we depend on is away; `retry_after` (seconds) becomes RetryInfo."""

    code = grpc.StatusCode.UNAVAILABLE
    default_reason = "UNAVAILABLE"
    default_retriable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float = 1.0,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.retry_after = retry_after


class Undecodable(CausewayError):
    """A record that no known schema reads: parked until a redrive by code that reads it."""

    code = grpc.StatusCode.DATA_LOSS
    default_reason = "UNDECODABLE"


class Internal(CausewayError):
    """A broken invariant of ours. Its message goes to the log only."""

    code = grpc.StatusCode.INTERNAL
    default_reason = "INTERNAL"


def not_found(name: str) -> NotFound:
    """Say that `name` ("orders/{id}") is not there, in the words used for a stranger's too."""
    return NotFound(f"{name} was not found", metadata={"resource": name})
