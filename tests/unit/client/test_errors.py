"""What a refusal says, also where its details are no help."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import status_pb2

from client.errors import KINDS, CallFailed, failed

WRONG_DETAIL = status_pb2.Status(
    details=[Packed(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")]
)


@pytest.mark.parametrize("details", [b"\xff\xff", b"<html>", WRONG_DETAIL.SerializeToString()])
def test_details_that_are_none_leave_the_code_and_the_sentence(details: bytes) -> None:
    failed = CallFailed("/a.B/Get", grpc.StatusCode.UNAVAILABLE, "away", details)
    assert (failed.code, failed.message, failed.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "away",
        "",
    )


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_each_code_can_be_caught_by_its_class(
    code: grpc.StatusCode, kind: type[CallFailed]
) -> None:
    failure = failed("/a.B/Get", code, "no")
    assert type(failure) is kind
    assert isinstance(failure, CallFailed)
    assert kind.__doc__ == f"{code.name}."


def test_a_code_without_a_class_is_a_plain_failure() -> None:
    assert type(failed("/a.B/Get", grpc.StatusCode.DATA_LOSS, "gone")) is CallFailed
