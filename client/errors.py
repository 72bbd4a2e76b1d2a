"""A refused call, readable: the code, the stable reason, and what would help.

::

    CallFailed
    ├── InvalidArgument      a field is wrong: `violations` has which
    ├── OutOfRange           a position that is gone
    ├── NotFound             no such resource, or somebody else's
    ├── AlreadyExists        a name that is taken
    ├── FailedPrecondition   not in this state, or a `request_id` with another body
    ├── Aborted              a stale etag: read, and try again
    ├── Unauthenticated      no token, or one that does not count
    ├── PermissionDenied     `roles` has what the method asks for
    ├── ResourceExhausted    too much at once
    ├── Unavailable          nobody there; a repeat may heal it, and was tried where it is safe
    └── DeadlineExceeded     no answer in time: whether it was done is not known

Codes without a class of their own are plain CallFailed.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from client.methods import roles_for

DETAILS = "grpc-status-details-bin"


class CallFailed(Exception):  # noqa: N818  a call fails; the code says whether it was an error
    """A call that was refused or got no answer.

    `code`        gRPC's status code.
    `message`     the server's sentence.
    `reason`      `ErrorInfo.reason`: UPPER_SNAKE and stable; empty where the edge refused.
    `metadata`    `ErrorInfo.metadata`.
    `violations`  field path -> what is wrong with it.
    `roles`       where the caller's are not enough, those of which the method asks for one.
    `retry_after` seconds, where the server gave a time.
    `resume_token` where `follow` had come when it raised this; empty elsewhere.
    """

    def __init__(
        self, path: str, code: grpc.StatusCode, message: str, details: bytes | None = None
    ) -> None:
        self.path = path
        self.code = code
        self.message = message
        self.reason = ""
        self.metadata: Mapping[str, str] = {}
        self.violations: dict[str, str] = {}
        self.retry_after: float | None = None
        self.resume_token = ""
        self._read(details)
        # The edge, which refuses by roles alone, gives no reason.
        by_role = code is grpc.StatusCode.PERMISSION_DENIED and self.reason in ("", "ROLE_MISSING")
        self.roles = roles_for(path) if by_role else ()
        super().__init__(self._sentence())

    def _read(self, details: bytes | None) -> None:
        if not details:
            return
        try:
            info = _unpack(details, error_details_pb2.ErrorInfo)
            bad = _unpack(details, error_details_pb2.BadRequest)
            retry = _unpack(details, error_details_pb2.RetryInfo)
        except DecodeError:
            return  # Somebody between us and the server made them; the code says enough.
        if info is not None:
            self.reason, self.metadata = info.reason, dict(info.metadata)
        if bad is not None:
            self.violations = {item.field: item.description for item in bad.field_violations}
        if retry is not None:
            self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()

    def _sentence(self) -> str:
        method = self.path.rpartition(".")[2]
        words = f"{method}: {self.code.name}: {self.message}"
        if self.reason and self.reason != self.code.name:
            words += f" [{self.reason}]"
        for field, wrong in self.violations.items():
            words += f"\n  {field}: {wrong}"
        if self.roles:
            words += f"\n  the caller needs the role {' or '.join(self.roles)}"
        return words


class InvalidArgument(CallFailed):
    """INVALID_ARGUMENT."""


class OutOfRange(CallFailed):
    """OUT_OF_RANGE."""


class NotFound(CallFailed):
    """NOT_FOUND."""


class AlreadyExists(CallFailed):
    """ALREADY_EXISTS."""


class FailedPrecondition(CallFailed):
    """FAILED_PRECONDITION."""


class Aborted(CallFailed):
    """ABORTED."""


class Unauthenticated(CallFailed):
    """UNAUTHENTICATED."""


class PermissionDenied(CallFailed):
    """PERMISSION_DENIED."""


class ResourceExhausted(CallFailed):
    """RESOURCE_EXHAUSTED."""


class Unavailable(CallFailed):
    """UNAVAILABLE."""


class DeadlineExceeded(CallFailed):
    """DEADLINE_EXCEEDED."""


KINDS: Mapping[grpc.StatusCode, type[CallFailed]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def call_failed(path: str, error: grpc.aio.AioRpcError) -> CallFailed:
    """The readable form of what grpc.aio raises."""
    trailing = dict(error.trailing_metadata() or ())
    details = trailing.get(DETAILS)
    return failed(
        path, error.code(), error.details() or "", details if isinstance(details, bytes) else None
    )


def failed(
    path: str, code: grpc.StatusCode, message: str, details: bytes | None = None
) -> CallFailed:
    """The failure of the class that its code has."""
    return KINDS.get(code, CallFailed)(path, code, message, details)


def _unpack(data: bytes, kind: Any) -> Any:
    """The detail of this kind, or None."""
    for packed in status_pb2.Status.FromString(data).details:
        if packed.Is(kind.DESCRIPTOR):
            return kind.FromString(packed.value)
    return None
