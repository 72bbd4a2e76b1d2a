"""Requests that are no requests: refused with their fields named, and nothing of Python."""

import struct
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from google.rpc import error_details_pb2

from bridge.errors import InvalidArgument
from bridge.server.methods import Method
from bridge.server.validation import check, checked, has_long_list
from causeway.orders.v1 import order_service_pb2 as orders
from tests.unit.server.conftest import Client, Issuer, Orders

GET = "/causeway.orders.v1.OrderService/GetOrder"
CREATE = "/causeway.orders.v1.OrderService/CreateOrder"
LIST = "/causeway.orders.v1.OrderService/ListOrders"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
PYTHON = ("Error", "Exception", "google.protobuf", "Traceback", "<class", "upb", "codec")


def field(number: int, payload: bytes) -> bytes:
    length, size = b"", len(payload)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def nested(levels: int) -> bytes:
    """A CreateOrderRequest whose unknown group nests; groups need no length."""
    return b"\x7b" * levels + b"\x7c" * levels


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("bad UTF-8", field(1, b"orders/\xff\xfe")),
        ("a length beyond the end", b"\x0a\x7f\x00"),
        ("a broken varint", b"\xff" * 11),
        ("a wrong wire type", b"\x0f\x00"),
        ("text", b"GET / HTTP/1.1"),
        ("groups nested 5,000 deep", nested(5000)),
    ],
)
async def test_bytes_that_are_no_message_are_an_invalid_argument(
    client: Client, issuer: Issuer, servicer: Orders, name: str, raw: bytes
) -> None:
    refusal = await client.refused(GET, raw, issuer.token())
    assert (refusal.code, refusal.reason) == (INVALID, "MALFORMED_REQUEST"), name
    for word in PYTHON:
        assert word not in refusal.message
    assert not servicer.calls


def test_messages_nested_5000_deep_are_an_invalid_argument() -> None:
    method = Method("/x/y", struct_pb2.Value, False, False, max_request_bytes=1 << 30)
    deep = b""
    for _ in range(5000):
        deep = field(6, field(1, deep))
    with pytest.raises(InvalidArgument) as caught:
        checked(method, deep)
    assert caught.value.reason == "MALFORMED_REQUEST"


async def test_nothing_is_parsed_for_a_caller_without_a_token(client: Client) -> None:
    refusal = await client.refused(GET, b"\xff" * 11)
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED


async def test_every_wrong_field_is_named(client: Client, issuer: Issuer, servicer: Orders) -> None:
    items = [orders.Order.Item(sku="book", quantity=1), orders.Order.Item(sku="B@D", quantity=0)]
    request = orders.CreateOrderRequest(order=orders.Order(items=items), request_id="x")
    refusal = await client.refused(CREATE, request, issuer.token())
    bad = refusal.detail(error_details_pb2.BadRequest)
    assert (refusal.code, refusal.reason) == (INVALID, "INVALID_REQUEST")
    assert {v.field for v in bad.field_violations} == {
        "order.items[1].sku",
        "order.items[1].quantity",
        "request_id",
    }
    assert all(v.description for v in bad.field_violations)
    assert not servicer.calls


async def test_an_empty_request_is_refused_where_fields_are_required(
    client: Client, issuer: Issuer
) -> None:
    refusal = await client.refused(CREATE, b"", issuer.token())
    assert refusal.code is INVALID


@pytest.mark.parametrize("state", [7, 77, 2**31 - 1, -1])
async def test_an_enum_value_that_nobody_knows_is_refused(
    client: Client, issuer: Issuer, state: Any
) -> None:
    refusal = await client.refused(LIST, orders.ListOrdersRequest(state=state), issuer.token())
    assert refusal.code is INVALID
    assert refusal.detail(error_details_pb2.BadRequest).field_violations[0].field == "state"


@pytest.mark.parametrize("size", [-1, 201, 2**31 - 1, -(2**31)])
async def test_a_page_size_out_of_range_is_refused(
    client: Client, issuer: Issuer, size: int
) -> None:
    request = orders.ListOrdersRequest(page_size=size)
    assert (await client.refused(LIST, request, issuer.token())).code is INVALID


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused_by_a_finite_rule(number: float) -> None:
    # The surface has no floating field; the rule is held against a message made here.
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    from buf.validate import validate_pb2

    file = descriptor_pb2.FileDescriptorProto(name="n.proto", package="n", syntax="proto3")
    file.dependency.append(validate_pb2.DESCRIPTOR.name)
    declared = file.message_type.add(name="N").field.add(
        name="ratio", number=1, type="TYPE_DOUBLE", label="LABEL_OPTIONAL"
    )
    declared.options.Extensions[validate_pb2.field].double.finite = True
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, *validate_pb2.DESCRIPTOR.dependencies):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(validate_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("n.N"))
    raw = b"\x09" + struct.pack("<d", number)
    with pytest.raises(InvalidArgument) as caught:
        checked(Method("/x/y", kind, False, False), raw)
    assert caught.value.violations[0].field == "ratio"


async def test_a_request_beyond_its_methods_size_is_refused(client: Client, issuer: Issuer) -> None:
    padding = field(15, b"x" * 5000)
    path = "/causeway.users.v1.UserService/RegisterUser"
    refusal = await client.refused(path, padding)
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "REQUEST_TOO_LARGE",
    )


async def test_a_request_beyond_every_size_is_refused_by_the_transport(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    refusal = await client.refused(GET, field(15, b"x" * 200_000), issuer.token())
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not servicer.calls


def test_a_valid_message_passes() -> None:
    check(orders.GetOrderRequest(name="orders/1"))


async def test_a_list_of_32000_wrong_items_costs_little_and_the_caller_hears_why(
    client: Client, issuer: Issuer
) -> None:
    items = [orders.Order.Item()] * 32_000
    request = orders.CreateOrderRequest(order=orders.Order(items=items), request_id="x")
    with pytest.raises(InvalidArgument) as caught:
        check(request)
    assert len(caught.value.violations) == 1
    refusal = await client.refused(CREATE, request, issuer.token())
    assert (refusal.code, refusal.reason) == (INVALID, "INVALID_REQUEST")


async def test_of_very_many_wrong_fields_the_first_ones_are_named(
    client: Client, issuer: Issuer
) -> None:
    items = [orders.Order.Item()] * 100
    request = orders.CreateOrderRequest(order=orders.Order(items=items))
    refusal = await client.refused(CREATE, request, issuer.token())
    assert refusal.code is INVALID
    named = refusal.detail(error_details_pb2.BadRequest).field_violations
    assert 10 <= len(named) <= 20
    assert named[0].field == "order.items[0].sku"


def test_a_long_list_is_found_wherever_it_is() -> None:
    few, many = [struct_pb2.Value(number_value=1)] * 100, [struct_pb2.Value(number_value=1)] * 101
    for values, long in ((few, False), (many, True)):
        inner = struct_pb2.Value(list_value=struct_pb2.ListValue(values=values))
        assert has_long_list(struct_pb2.Struct(fields={"a": inner})) is long
