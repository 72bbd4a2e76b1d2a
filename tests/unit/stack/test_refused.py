"""What a command says when the API refuses a call: the words once, and the next command."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2

from client.errors import CallFailed
from stack.connected import refused

PATH = "/causeway.bridge.v1.OperationsService/ReplayEvents"


def _failed(message: str, reason: str, field: str = "", wrong: str = "") -> CallFailed:
    info, bad = Any(), Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="causeway"))
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=wrong)
    bad.Pack(error_details_pb2.BadRequest(field_violations=[violation] if field else []))
    details = status_pb2.Status(code=3, message=message, details=[info, bad])
    return CallFailed(PATH, grpc.StatusCode.INVALID_ARGUMENT, message, details.SerializeToString())


def test_the_next_command_explains_the_reason_where_it_has_a_page() -> None:
    error = refused(_failed("say which events", "NOTHING_CHOSEN"), "root", "causeway replay …")
    assert error.next_command == "causeway explain NOTHING_CHOSEN"


def test_a_reason_without_a_page_is_no_next_command() -> None:
    error = refused(_failed("order.items: too few", "INVALID_REQUEST"), "root", "causeway call …")
    assert error.next_command == "causeway explain CALL_FAILED"


@pytest.mark.parametrize(
    ("message", "detail"),
    [("order.items: too few", ""), ("the request is wrong", "order.items: too few")],
)
def test_a_wrong_field_is_told_once(message: str, detail: str) -> None:
    failed = _failed(message, "INVALID_REQUEST", "order.items", "too few")
    assert refused(failed, "alice", "causeway call …").detail == detail
