"""Headers that gRPC's own transport stumbles over do no harm: found by tests/fuzz."""

from typing import Any

import grpc
import pytest

from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from tests.integration.edge.bench import Running, seen

GET = "/causeway.orders.v1.OrderService/GetOrder"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("+", "x"),
        ("a~b", "x"),
        ("a+", "x"),
        ("x-thing-bin", "no base64!"),
        ("lb-cost-bin", "!!"),
        ("grpc-trace-bin", "!!"),
        ("grpc-previous-rpc-attempts", "many"),
        ("grpc-retry-pushback-ms", "soon"),
    ],
)
def test_a_header_that_grpc_cannot_read_does_not_arrive(
    edge: Running, operator: str, name: str, value: str
) -> None:
    answer = edge.rest("GET", "/v1/orders/7", operator, headers={name: value, "x-kept": "yes"})
    assert answer.status_code == 200, answer.text
    arrived = seen(answer.headers)
    assert name not in arrived
    assert arrived["x-kept"] == "yes"


@pytest.mark.parametrize("encoding", ["nope", "deflate", "snappy", ""])
def test_a_message_in_an_encoding_that_services_cannot_read_is_refused(
    edge: Running, operator: str, encoding: str
) -> None:
    headers = {"grpc-encoding": encoding}
    answer = edge.rest("GET", "/v1/orders/7", operator, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_who_may_not_call_is_told_so_whatever_the_encoding(edge: Running, customer: str) -> None:
    answer = edge.rest("GET", "/v1/users", customer, headers={"grpc-encoding": "nope"})
    assert answer.status_code == 403
    assert answer.json()["message"]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_encoding_that_services_read_passes(edge: Running, operator: str, encoding: str) -> None:
    headers = {"grpc-encoding": encoding}
    assert edge.rest("GET", "/v1/orders/7", operator, headers=headers).status_code == 200


def test_a_compressed_call_over_grpc_is_answered(edge: Running, operator: str) -> None:
    with grpc.insecure_channel(
        edge.url.removeprefix("http://"), compression=grpc.Compression.Gzip
    ) as channel:
        call: Any = channel.unary_unary(GET)
        call(
            GetOrderRequest(name="orders/" + "7" * 60).SerializeToString(),
            timeout=10,
            metadata=(("authorization", f"Bearer {operator}"),),
        )
