"""What a refused caller is told, on every protocol."""

from collections.abc import Awaitable, Callable
from typing import cast

import grpc
import httpx
import pytest

from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from causeway.users.v1 import user_service_pb2 as users
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from tests.e2e.conftest import Customer


def assert_one_status(answer: httpx.Response, http: int, code: grpc.StatusCode) -> None:
    assert answer.status_code == http, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code.value[0]
    assert body["message"]


def test_a_call_without_a_token_is_401(rest: httpx.Client) -> None:
    answer = rest.get("/v1/orders")
    assert_one_status(answer, 401, grpc.StatusCode.UNAUTHENTICATED)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_unknown_path_without_a_token_is_401_as_any_other(rest: httpx.Client) -> None:
    assert_one_status(rest.get("/v1/nothing"), 401, grpc.StatusCode.UNAUTHENTICATED)


def test_a_wrong_role_is_403(rest: httpx.Client, customer: Customer) -> None:
    answer = rest.get("/v1/users", headers=customer.headers)
    assert_one_status(answer, 403, grpc.StatusCode.PERMISSION_DENIED)


def test_an_unknown_path_with_a_token_is_404(rest: httpx.Client, customer: Customer) -> None:
    answer = rest.get("/v1/nothing", headers=customer.headers)
    assert_one_status(answer, 404, grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"items": [{"sku": "book", "quantity": 0}]}', b'{"items": []}', b'{"items": 7}'],
)
def test_a_bad_body_is_400(rest: httpx.Client, customer: Customer, body: bytes) -> None:
    headers = customer.headers | {"content-type": "application/json"}
    answer = rest.post("/v1/orders", content=body, headers=headers)
    assert_one_status(answer, 400, grpc.StatusCode.INVALID_ARGUMENT)


def test_an_unknown_sku_is_400_and_names_it(rest: httpx.Client, customer: Customer) -> None:
    body = {"items": [{"sku": "no-such-thing", "quantity": 1}]}
    answer = rest.post("/v1/orders", json=body, headers=customer.headers)
    assert_one_status(answer, 400, grpc.StatusCode.INVALID_ARGUMENT)
    assert "no-such-thing" in answer.json()["message"]


def test_somebody_elses_order_is_404_with_the_words_of_a_missing_one(
    rest: httpx.Client, new_customer: Callable[[], Customer]
) -> None:
    owner, stranger = new_customer(), new_customer()
    body = {"items": [{"sku": "book", "quantity": 1}]}
    order = rest.post("/v1/orders", json=body, headers=owner.headers).json()["name"]
    theirs = rest.get(f"/v1/{order}", headers=stranger.headers)
    missing = rest.get("/v1/orders/0-none", headers=stranger.headers)
    assert_one_status(theirs, 404, grpc.StatusCode.NOT_FOUND)
    assert_one_status(missing, 404, grpc.StatusCode.NOT_FOUND)
    assert theirs.json()["message"].replace(order, "X") == missing.json()["message"].replace(
        "orders/0-none", "X"
    )


async def code_of(call: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_grpc_without_a_token_is_unauthenticated(channel: grpc.aio.Channel) -> None:
    call = OrderServiceStub(channel).ListOrders(orders.ListOrdersRequest())
    assert await code_of(call) == grpc.StatusCode.UNAUTHENTICATED


async def test_grpc_with_a_wrong_role_is_permission_denied(
    channel: grpc.aio.Channel, customer: Customer
) -> None:
    call = UserServiceStub(channel).ListUsers(users.ListUsersRequest(), metadata=customer.metadata)
    assert await code_of(call) == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "method", ["/causeway.orders.v1.OrderService/Nothing", "/nothing.v1.Nothing/Nothing"]
)
async def test_an_unknown_grpc_method_is_permission_denied(
    channel: grpc.aio.Channel, customer: Customer, method: str
) -> None:
    unary = cast("grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]", channel.unary_unary(method))
    call = unary(b"", metadata=customer.metadata)
    assert await code_of(call) == grpc.StatusCode.PERMISSION_DENIED


async def test_grpc_with_a_bad_message_is_invalid_argument(
    channel: grpc.aio.Channel, customer: Customer
) -> None:
    request = orders.CreateOrderRequest(order=orders.Order())
    call = OrderServiceStub(channel).CreateOrder(request, metadata=customer.metadata)
    assert await code_of(call) == grpc.StatusCode.INVALID_ARGUMENT
