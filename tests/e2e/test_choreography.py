"""From an order to its mail, through every real part."""

import uuid
from collections.abc import Callable

import grpc
import httpx

from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from tests.e2e.conftest import Customer, bearer, eventually, password_grant
from tests.platform import Platform

State = Callable[[str, dict[str, str]], str]


def mails_to(causeway: Platform, address: str) -> list[str]:
    """The texts of all mails to one address."""
    listing = causeway["CAUSEWAY_MAILBOX"]
    mails = httpx.get(listing, params={"to": address}).json()
    return [httpx.get(f"{listing}/{mail['id']}").json()["text"] for mail in mails]


def test_an_order_over_rest_is_confirmed_and_its_customer_gets_a_mail(
    causeway: Platform, rest: httpx.Client, customer: Customer, order_state: State
) -> None:
    body = {"items": [{"sku": "book", "quantity": 2}, {"sku": "lamp", "quantity": 1}]}
    answer = rest.post("/v1/orders", json=body, headers=customer.headers)
    assert answer.status_code == 200, answer.text
    order = answer.json()
    assert order["total"] == {"currencyCode": "EUR", "units": "65", "nanos": 0}
    assert order["customer"] == customer.name
    eventually(
        lambda: order_state(order["name"], customer.headers) == "STATE_CONFIRMED", "confirmation"
    )
    eventually(
        lambda: any(order["name"] in text for text in mails_to(causeway, customer.email)),
        "the order's mail",
    )
    listed = eventually(
        lambda: [
            n
            for n in rest.get("/v1/notifications", headers=customer.headers).json()["notifications"]
            if n["subject"] == order["name"] and n["state"] == "STATE_SENT"
        ],
        "a sent notification",
    )
    assert listed[0]["channel"] == "CHANNEL_EMAIL"


def test_an_order_above_the_credit_limit_is_rejected(
    rest: httpx.Client, customer: Customer, order_state: State
) -> None:
    body = {"items": [{"sku": "desk", "quantity": 3}]}
    name = rest.post("/v1/orders", json=body, headers=customer.headers).json()["name"]
    eventually(lambda: order_state(name, customer.headers) == "STATE_REJECTED", "rejection")


def test_bob_may_spend_a_hundred_euros(causeway: Platform, rest: httpx.Client) -> None:
    headers = bearer(password_grant(causeway, "bob", "causeway-bob"))
    bob = rest.get("/v1/users/me", headers=headers).json()
    assert bob["username"] == "bob"
    assert bob["creditLimit"]["units"] == "100"


async def test_the_same_request_id_gives_the_same_order(
    channel: grpc.aio.Channel, customer: Customer
) -> None:
    stub = OrderServiceStub(channel)
    item = orders.Order.Item(sku="book", quantity=1)
    request = orders.CreateOrderRequest(
        order=orders.Order(items=[item]), request_id=str(uuid.uuid4())
    )
    first = await stub.CreateOrder(request, metadata=customer.metadata)
    again = await stub.CreateOrder(request, metadata=customer.metadata)
    assert again.name == first.name
    listed = await stub.ListOrders(orders.ListOrdersRequest(), metadata=customer.metadata)
    assert [order.name for order in listed.orders] == [first.name]


async def test_watching_an_order_shows_it_as_it_is_and_then_its_confirmation(
    channel: grpc.aio.Channel, customer: Customer
) -> None:
    stub = OrderServiceStub(channel)
    item = orders.Order.Item(sku="lamp", quantity=1)
    order = await stub.CreateOrder(
        orders.CreateOrderRequest(order=orders.Order(items=[item])), metadata=customer.metadata
    )
    states = []
    call = stub.WatchOrder(
        orders.WatchOrderRequest(name=order.name), metadata=customer.metadata, timeout=30
    )
    async for answer in call:
        if answer.WhichOneof("payload") == "order":
            states.append(answer.order.state)
        if states and states[-1] == orders.Order.STATE_CONFIRMED:
            break
    call.cancel()
    assert states[0] in (orders.Order.STATE_PENDING, orders.Order.STATE_CONFIRMED)


def test_a_name_that_is_taken_is_already_exists(rest: httpx.Client, customer: Customer) -> None:
    answer = rest.post(
        "/v1/users:register",
        json={
            "username": customer.username,
            "email": f"other-{customer.email}",
            "password": "correct-horse-battery",
        },
    )
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == grpc.StatusCode.ALREADY_EXISTS.value[0]
