"""Messages and frames that gRPC can not read, or that say more than they may."""

import gzip
import json

import pytest

from causeway.orders.v1.order_service_pb2 import CancelOrderRequest, CreateOrderRequest, Order
from causeway.users.v1.user_service_pb2 import RegisterUserRequest
from tests.integration.edge.issuer import Issuer
from tests.security import callers, http1, http2
from tests.security.callers import (
    INTERNAL,
    INVALID_ARGUMENT,
    RESOURCE_EXHAUSTED,
    Ports,
    Told,
    bearer,
    leaks,
    message,
    told_by_grpc,
    told_by_rest,
    web_trailers,
)
from tests.security.conftest import Target
from tests.security.http1 import Headers
from tests.security.kit_backend import BROKEN
from tests.security.test_bodies import JSON, item

CREATE = "/causeway.orders.v1.OrderService/CreateOrder"
CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def nested(depth: int) -> bytes:
    """An order in an order in an order, as unknown groups: what no schema limits."""
    return b"\x5b" * depth + b"\x5c" * depth


# The message of a CreateOrder, and its code on every protocol that carries protobuf.
PROTOBUF: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", INVALID_ARGUMENT),
    "text": (b"hello", INVALID_ARGUMENT),
    "JSON": (item("1"), INVALID_ARGUMENT),
    "a field without an end": (b"\x0a\x7f", INVALID_ARGUMENT),
    "a number without an end": (b"\x0a" + b"\xff" * 11, INVALID_ARGUMENT),
    "a length of 2^63": (b"\x0a" + varint(2**63), INVALID_ARGUMENT),
    "field number 0": (b"\x02\x00", INVALID_ARGUMENT),
    "a wire type that is not there": (b"\x0f\x00", INVALID_ARGUMENT),
    "a group that never ends": (b"\x0b" * 50, INVALID_ARGUMENT),
    "5,000 groups in each other": (nested(5000), INVALID_ARGUMENT),
    "bad UTF-8": (b"\x0a\x04\x0a\x02\xff\xfe", INVALID_ARGUMENT),
    "bad UTF-8 in an id": (b"\x12\x02\xff\xfe", INVALID_ARGUMENT),
    "a state of 77": (CreateOrderRequest(order=Order(state=77)).SerializeToString(),  # type: ignore[arg-type]
                      INVALID_ARGUMENT),
    "a quantity that overflows": (
        b"\x0a\x13\x1a\x11\x0a\x04book\x10" + varint(2**64 - 1)[:9] + b"\x01",
        INVALID_ARGUMENT,
    ),
    "10,000 empty items": (b"\x0a" + varint(20_000) + b"\x1a\x00" * 10_000, INVALID_ARGUMENT),
    "a sku that is a path": (
        CreateOrderRequest(
            order=Order(items=[Order.Item(sku="../x", quantity=1)])
        ).SerializeToString(),
        INVALID_ARGUMENT,
    ),
    "an id that is no UUID": (
        CreateOrderRequest(
            order=Order(items=[Order.Item(sku="book", quantity=1)]), request_id="1"
        ).SerializeToString(),
        INVALID_ARGUMENT,
    ),
    "more than a request may have": (b"\x12" + varint(80_000) + b"x" * 80_000, RESOURCE_EXHAUSTED),
    "a megabyte": (b"\x12" + varint(2**20) + b"x" * 2**20, RESOURCE_EXHAUSTED),
}  # fmt: skip


def call(port: int, path: str, body: bytes, headers: Headers) -> Told:
    return told_by_grpc(callers.grpc(port, path, body, headers))


def web(port: int, path: str, body: bytes, headers: Headers) -> Told:
    kind = ("content-type", "application/grpc-web+proto")
    answer = http1.send(port, "POST", path, (kind, ("x-grpc-web", "1"), *headers), body)
    told = answer.headers | web_trailers(answer.body)
    return Told(answer.status, int(told["grpc-status"]), repr((told, answer.body)))


@pytest.mark.parametrize("case", PROTOBUF)
def test_a_bad_message_is_its_senders_fault(ports: Ports, issuer: Issuer, case: str) -> None:
    request, code = PROTOBUF[case]
    headers, body = bearer(issuer.token("customer")), message(request)
    for told in (
        call(ports.edge, CREATE, body, headers),
        call(ports.service, CREATE, body, headers),
        web(ports.edge, CREATE, body, headers),
    ):
        assert told.code == code, told
        assert not leaks(told), told


GOOD = CancelOrderRequest(name="orders/7").SerializeToString()
BOMB = gzip.compress(b"\x1a" + varint(2**24) + b"\0" * 2**24)
"""16 MB of zeros in 16 kB."""
# What stands in the frames of a unary call, and with which encoding it came. Where gRPC waits for
# more, the caller's deadline ends the call.
FRAMES: dict[str, tuple[bytes, Headers]] = {
    "no frame": (b"", ()),
    "half of a frame's head": (b"\0\0", ()),
    "a frame that is cut short": (message(GOOD)[:-3], ()),
    "a frame longer than its body": (b"\0\0\0\xff\xff" + GOOD, ()),
    "a frame of 4 GB": (b"\0\xff\xff\xff\xff" + GOOD, ()),
    "compressed, without a word": (message(gzip.compress(GOOD), 1), ()),
    "compressed, as identity": (message(GOOD, 1), (("grpc-encoding", "identity"),)),
    "compressed in a way nobody knows": (message(GOOD, 1), (("grpc-encoding", "x"),)),
    "gzip that is none": (message(GOOD, 1), (("grpc-encoding", "gzip"),)),
    "gzip that is cut short": (message(gzip.compress(GOOD)[:-6], 1), (("grpc-encoding", "gzip"),)),
    "a bomb as gzip": (message(BOMB, 1), (("grpc-encoding", "gzip"),)),
}


@pytest.mark.parametrize("case", FRAMES)
def test_bad_frames_are_never_a_call(ports: Ports, issuer: Issuer, case: str) -> None:
    body, encoding = FRAMES[case]
    headers = (*encoding, ("grpc-timeout", "1S"), *bearer(issuer.token("operator")))
    for port in (ports.edge, ports.service):
        reply = callers.grpc(port, CANCEL, body, headers)
        assert reply.headers.get("grpc-status") != "0", reply
        assert "x-backend" not in reply.headers
        assert not callers.LEAK.search(repr(reply)), reply
    assert reply.reset is not None or reply.headers.get("grpc-status"), reply


@pytest.mark.parametrize(
    "kind",
    [
        "application/grpcx",
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-protobuf",
        "",
    ],
)
def test_a_grpc_path_takes_no_other_content_type(ports: Ports, issuer: Issuer, kind: str) -> None:
    headers = [*http2.pseudo("POST", CANCEL), *bearer(issuer.token("operator"))]
    if kind:
        headers.append(("content-type", kind))
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(headers, message(GOOD))
    assert reply.status == 404 or reply.headers["grpc-status"] == "5", reply
    assert "x-backend" not in reply.headers


def test_what_fails_inside_is_not_told(ports: Ports, issuer: Issuer) -> None:
    headers = bearer(issuer.token("operator"))
    request = CancelOrderRequest(name=BROKEN).SerializeToString()
    over_rest = http1.send(ports.edge, "POST", f"/v1/{BROKEN}:cancel", headers, b"{}")
    for told in (
        call(ports.edge, CANCEL, message(request), headers),
        call(ports.service, CANCEL, message(request), headers),
        web(ports.edge, CANCEL, message(request), headers),
        told_by_rest(over_rest.status, over_rest.headers, over_rest.body),
    ):
        assert told.code == INTERNAL, told
        assert "internal error; request" in told.text
        assert not leaks(told), told


def test_a_request_may_be_as_large_as_its_method_says(ports: Ports) -> None:
    request = RegisterUserRequest(username="x" * 5000).SerializeToString()
    body = json.dumps({"username": "x" * 5000}).encode()
    over_rest = http1.send(
        ports.edge, "POST", "/v1/users:register", (("content-type", JSON),), body
    )
    register = "/causeway.users.v1.UserService/RegisterUser"
    for told in (
        call(ports.edge, register, message(request), ()),
        call(ports.service, register, message(request), ()),
        told_by_rest(over_rest.status, over_rest.headers, over_rest.body),
    ):
        assert told.code == RESOURCE_EXHAUSTED, told
        assert not leaks(told), told


def test_after_all_of_it_everybody_is_well(target: Target) -> None:
    target.assert_well()
