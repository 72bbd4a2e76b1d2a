"""A page in a browser: CORS by exact origin, and gRPC-Web."""

import httpx
import pytest

from causeway.orders.v1.order_service_pb2 import GetOrderRequest, Order
from tests.integration.edge.bench import ORIGIN, Running

PATH = "/causeway.orders.v1.OrderService/GetOrder"


def preflight(edge: Running, path: str, origin: str = ORIGIN) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    return edge.rest("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/7:cancel", PATH])
def test_a_preflight_needs_no_token(edge: Running, path: str) -> None:
    answer = preflight(edge, path)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["http://localhost:3001", "http://localhost", "null",
                                    "http://localhost:3000.evil.example"])  # fmt: skip
def test_a_foreign_origin_is_allowed_nothing(edge: Running, origin: str) -> None:
    answer = preflight(edge, "/v1/orders", origin)
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_may_read_the_answer_and_the_refusal(edge: Running, operator: str) -> None:
    answer = edge.rest("GET", "/v1/orders/7", operator, headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    refused = edge.rest("GET", "/v1/orders/7", headers={"origin": ORIGIN})
    assert refused.headers["access-control-allow-origin"] == ORIGIN


def grpc_web(
    edge: Running, token: str, order: str = "orders/7", path: str = PATH
) -> tuple[bytes, dict[str, str]]:
    """The message and the trailers, from the frames of the body or from the headers."""
    request = GetOrderRequest(name=order).SerializeToString()
    frame = b"\0" + len(request).to_bytes(4, "big") + request
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    answer = edge.rest("POST", path, token, content=frame, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/grpc-web")
    message, trailers, body = b"", dict(answer.headers), answer.content
    while body:
        size = int.from_bytes(body[1:5], "big")
        part, flag, body = body[5 : 5 + size], body[0], body[5 + size :]
        if flag & 0x80:
            lines = (line.partition(":") for line in part.decode().splitlines())
            trailers |= {name.strip(): value.strip() for name, _, value in lines}
        else:
            message = part
    return message, trailers


def test_grpc_web_carries_a_call(edge: Running, operator: str) -> None:
    message, trailers = grpc_web(edge, operator)
    assert Order.FromString(message).name == "orders/7"
    assert trailers["grpc-status"] == "0"


def test_grpc_web_clients_can_read_refusals(edge: Running, customer: str) -> None:
    assert grpc_web(edge, "")[1]["grpc-status"] == "16"
    assert (
        grpc_web(edge, customer, path="/causeway.orders.v1.OrderService/ShipOrder")[1][
            "grpc-status"
        ]
        == "7"
    )
    assert grpc_web(edge, customer, "orders/missing")[1]["grpc-status"] == "5"


def test_grpc_web_clients_can_read_the_refusals_of_the_connection(
    edge: Running, operator: str
) -> None:
    # Refused before any filter: the escaped slash.
    assert grpc_web(edge, operator, path=PATH.replace("v1.", "v1%2f"))[1]["grpc-status"] == "3"
