"""What a caller sees of a failure, and what it does not."""

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from bridge import errors
from bridge.server.serve import Server
from bridge.watchdog import Watchdog
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders

PATH = "/causeway.orders.v1.OrderService/GetOrder"
REQUEST = orders.GetOrderRequest(name="orders/1")
SECRET = "postgresql://orders:hunter2@db eyJhbGciOi.eyJzdWIi.sig alice@example.org"


def raising(error: Exception) -> Any:
    def behave(_request: Any) -> Any:
        raise error

    return behave


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        KeyError(SECRET),
        NotImplementedError(SECRET),
        TimeoutError(SECRET),
        AssertionError(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        errors.Internal(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_text_of_an_unexpected_error_stays_inside(
    client: Client,
    issuer: Issuer,
    servicer: Orders,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    servicer.behaviour = raising(error)
    refusal = await client.refused(PATH, REQUEST, issuer.token(), ("x-request-id", "abcdef-123"))
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert refusal.message == "internal error; request abcdef-123"
    for secret in ("hunter2", "alice", type(error).__name__, "Traceback", ".py"):
        assert secret not in refusal.everything
    assert refusal.detail(error_details_pb2.RequestInfo).request_id == "abcdef-123"
    (record,) = (r for r in caplog.records if r.getMessage() == "call.failed")
    assert vars(record)["fields"]["request"] == "abcdef-123"


async def test_an_answer_that_is_none_or_does_not_serialize_is_internal(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    for answer in (None, "text"):
        servicer.behaviour = lambda _request, answer=answer: answer
        refusal = await client.refused(PATH, REQUEST, issuer.token())
        assert refusal.code is grpc.StatusCode.INTERNAL
        assert "serialize" not in refusal.everything.lower()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidArgument("no"), "INVALID_ARGUMENT"),
        (errors.OutOfRange("no"), "OUT_OF_RANGE"),
        (errors.not_found("orders/1"), "NOT_FOUND"),
        (errors.AlreadyExists("no"), "ALREADY_EXISTS"),
        (errors.FailedPrecondition("no"), "FAILED_PRECONDITION"),
        (errors.StaleVersion("no"), "ABORTED"),
        (errors.PermissionDenied("no"), "PERMISSION_DENIED"),
        (errors.ResourceExhausted("no"), "RESOURCE_EXHAUSTED"),
        (errors.DeadlineExceeded("no"), "DEADLINE_EXCEEDED"),
        (errors.Undecodable("no"), "DATA_LOSS"),
    ],
)
async def test_an_error_with_a_contract_arrives_as_one(
    client: Client, issuer: Issuer, servicer: Orders, error: errors.CausewayError, code: str
) -> None:
    error.metadata = {"resource": "orders/1"}
    servicer.behaviour = raising(error)
    refusal = await client.refused(PATH, REQUEST, issuer.token())
    info = refusal.detail(error_details_pb2.ErrorInfo)
    assert refusal.code.name == code
    assert (refusal.status.code, refusal.status.message) == (refusal.code.value[0], error.message)
    assert (info.reason, info.domain) == (error.reason, "causeway")
    assert info.metadata["resource"] == "orders/1"


async def test_unavailable_says_when_to_try_again(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.behaviour = raising(errors.Unavailable("later", retry_after=2.5))
    refusal = await client.refused(PATH, REQUEST, issuer.token())
    delay = refusal.detail(error_details_pb2.RetryInfo).retry_delay
    assert (delay.seconds, delay.nanos) == (2, 500_000_000)


async def test_a_text_that_is_not_ascii_arrives_whole(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.behaviour = raising(errors.NotFound("größer → 日本"))
    refusal = await client.refused(PATH, REQUEST, issuer.token())
    assert refusal.message == refusal.status.message == "größer → 日本"


async def test_an_error_of_any_length_arrives_with_its_code(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    long = "日" * 5000
    violations = tuple(errors.FieldViolation(f"{i}{long}", long) for i in range(200))
    error = errors.InvalidArgument(long, violations=violations, metadata={"resource": long})
    servicer.behaviour = raising(error)
    refusal = await client.refused(PATH, REQUEST, issuer.token())
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_ARGUMENT",
    )
    percent_encoded, base64 = 3 * len(refusal.message.encode()), refusal.status.ByteSize() * 4 / 3
    assert percent_encoded + base64 < 7500
    assert refusal.detail(error_details_pb2.BadRequest).field_violations
    assert refusal.message.startswith("日日")
    assert refusal.message.endswith("日…")


async def test_a_unary_call_that_takes_too_long_is_ended(
    client: Client, issuer: Issuer, servicer: Orders, server: Server
) -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    servicer.behaviour = lambda _request: hang()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.server.deadline.Watchdog", lambda _seconds: Watchdog(0.1))
        refusal = await client.refused(PATH, REQUEST, issuer.token())
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert cancelled.is_set()


async def test_a_request_id_that_could_forge_a_log_line_is_replaced(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.behaviour = raising(RuntimeError())
    header = ("x-request-id", "a b {evil}")
    refusal = await client.refused(PATH, REQUEST, issuer.token(), header)
    assert "evil" not in refusal.everything


def test_every_error_has_a_code_of_its_own_and_says_if_to_try_again() -> None:
    kinds = errors.CausewayError.__subclasses__()
    named = [kind for kind in kinds if kind.__module__ == "bridge.errors"]
    assert len({kind.code for kind in named}) == len(named) == 13
    retriable = {kind.__name__ for kind in named if kind("x").retriable}
    assert retriable == {"StaleVersion", "ResourceExhausted", "DeadlineExceeded", "Unavailable"}
    assert not errors.ResourceExhausted("x", retriable=False).retriable


def test_a_docstring_draws_the_whole_tree() -> None:
    for kind in errors.CausewayError.__subclasses__():
        if kind.__module__ == "bridge.errors":
            assert f" {kind.__name__} " in (errors.__doc__ or "")
            assert kind.code.name in (errors.__doc__ or "")
