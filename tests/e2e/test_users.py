"""Users over REST and gRPC through the edge: what they change of themselves, and their end."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from causeway.users.v1 import user_service_pb2 as pb
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from tests.e2e.conftest import Customer, bearer, eventually
from tests.platform import Platform

PROMISED = 5.0
"""Seconds after which no replica takes a token of whoever was deactivated."""

READS: dict[str, tuple[str, bytes]] = {
    "orders": ("/causeway.orders.v1.OrderService/ListOrders", b""),
    "users": (
        "/causeway.users.v1.UserService/GetUser",
        pb.GetUserRequest(name="users/me").SerializeToString(),
    ),
    "notifications": ("/causeway.notifications.v1.NotificationService/ListNotifications", b""),
    # The only method of its process that a customer may call.
    "bridge": (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ServerReflectionRequest(list_services="").SerializeToString(),
    ),
}


def grant(causeway: Platform, form: dict[str, str]) -> httpx.Response:
    return httpx.post(
        f"{causeway['CAUSEWAY_KEYCLOAK']}/realms/causeway/protocol/openid-connect/token",
        data={"client_id": "causeway-cli", **form},
        timeout=30,
    )


def login(causeway: Platform, username: str) -> httpx.Response:
    password = "correct-horse-battery"
    return grant(causeway, {"grant_type": "password", "username": username, "password": password})


def asked(target: str, service: str, token: str) -> Any:
    """The code of a read at one replica, past the edge."""
    path, request = READS[service]
    metadata = (("authorization", f"Bearer {token}"),)
    channel: Any = grpc.insecure_channel(target)
    with channel:
        try:
            if service == "bridge":
                next(channel.stream_stream(path)(iter([request]), metadata=metadata, timeout=10))
            else:
                channel.unary_unary(path)(request, metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def replicas(causeway: Platform) -> list[tuple[str, str]]:
    """(service, host:port) of each api process."""
    return [
        (part["name"].partition("-")[0], f"127.0.0.1:{port}")
        for part in causeway.status()["components"]
        if "-api-" in part["name"]
        for port in part["ports"].values()
    ]


def test_a_user_changes_its_address_over_rest_and_its_mails_follow(
    causeway: Platform, rest: httpx.Client, customer: Customer
) -> None:
    email = f"new-{customer.email}"
    request_id = str(uuid.uuid4())

    def update(address: str) -> httpx.Response:
        return rest.patch(
            "/v1/users/me",
            params={"updateMask": "email", "requestId": request_id},
            json={"email": address, "displayName": "not in the mask"},
            headers=customer.headers,
        )

    changed = update(email)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["email"], changed.json()["displayName"]) == (email, "Test Customer")
    assert update(email).json()["etag"] == changed.json()["etag"]
    assert update(customer.email).json()["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert login(causeway, customer.username).status_code == 200
    stale = rest.patch(
        "/v1/users/me", json={"displayName": "x", "etag": "0"}, headers=customer.headers
    )
    assert (stale.status_code, stale.json()["code"]) == (409, grpc.StatusCode.ABORTED.value[0])

    def mailed() -> bool:
        body = {"items": [{"sku": "book", "quantity": 1}]}
        rest.post("/v1/orders", json=body, headers=customer.headers)
        return bool(httpx.get(causeway["CAUSEWAY_MAILBOX"], params={"to": email}).json())

    eventually(mailed, "a mail to the new address")


async def test_a_stranger_changes_nobody_and_a_wrong_path_is_named_over_grpc(
    channel: grpc.aio.Channel, new_customer: Callable[[], Customer]
) -> None:
    owner, stranger = new_customer(), new_customer()
    stub = UserServiceStub(channel)

    async def refused(name: str, caller: Customer, *paths: str) -> grpc.aio.AioRpcError:
        request = pb.UpdateUserRequest(
            user=pb.User(name=name, display_name="x"), update_mask=FieldMask(paths=paths)
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.UpdateUser(request, metadata=caller.metadata)
        return caught.value

    theirs = await refused(owner.name, stranger)
    missing = await refused("users/nobody", stranger)
    assert {theirs.code(), missing.code()} == {grpc.StatusCode.NOT_FOUND}
    assert str(theirs.details()).replace(owner.name, "") == str(missing.details()).replace(
        "users/nobody", ""
    )
    wrong = await refused("users/me", owner, "credit_limit")
    assert wrong.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "credit_limit is not one of" in str(wrong.details())


def test_whoever_is_deactivated_is_refused_by_keycloak_at_once_and_everywhere_within_5_s(
    causeway: Platform,
    rest: httpx.Client,
    sync_channel: grpc.Channel,
    customer: Customer,
    operator_headers: dict[str, str],
) -> None:
    tokens = login(causeway, customer.username).json()
    watch = watched(sync_channel, customer)
    everywhere = replicas(causeway)
    assert {service for service, _ in everywhere} == set(READS)
    for service, target in everywhere:
        assert asked(target, service, customer.token) is grpc.StatusCode.OK

    body = {"reason": "fraud", "requestId": str(uuid.uuid4())}
    path = f"/v1/{customer.name}:deactivate"
    assert rest.post(path, json=body, headers=customer.headers).status_code == 403
    done = rest.post(path, json=body, headers=operator_headers)
    begun = time.monotonic()
    assert (done.status_code, done.json()["state"]) == (200, "STATE_DEACTIVATED"), done.text
    assert login(causeway, customer.username).status_code == 400
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert grant(causeway, refresh).status_code == 400

    left = set(everywhere)
    while left:
        assert time.monotonic() - begun < PROMISED, f"still taken by {left}"
        for service, target in list(left):
            if asked(target, service, customer.token) is grpc.StatusCode.UNAUTHENTICATED:
                left.discard((service, target))
    with pytest.raises(grpc.RpcError) as cut:
        list(watch)
    assert cut.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert time.monotonic() - begun < PROMISED
    answer = rest.get("/v1/users/me", headers=bearer(tokens["access_token"]))
    assert (answer.status_code, answer.json()["details"][0]["reason"]) == (401, "USER_DEACTIVATED")
    assert rest.post(path, json=body, headers=operator_headers).json() == done.json()


@pytest.fixture
def sync_channel(causeway: Platform) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(causeway["CAUSEWAY_EDGE"].removeprefix("http://")) as channel:
        yield channel


def watched(channel: grpc.Channel, customer: Customer) -> Any:
    """An open stream of the customer's, whose first message is here."""
    stub: Any = OrderServiceStub(channel)
    item = orders.Order.Item(sku="book", quantity=1)
    request = orders.CreateOrderRequest(order=orders.Order(items=[item]))
    order = stub.CreateOrder(request, metadata=customer.metadata, timeout=10)
    watch = stub.WatchOrder(
        orders.WatchOrderRequest(name=order.name), metadata=customer.metadata, timeout=60
    )
    next(watch)
    return watch
