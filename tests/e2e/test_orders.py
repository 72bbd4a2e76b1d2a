"""An order's events and the lists of orders, through the edge, over REST and gRPC."""

from collections.abc import Callable

import grpc
import httpx
import pytest

from causeway.bridge.v1.event_pb2 import Event
from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.events_pb2 import OrderCreated
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub
from tests.e2e.conftest import Customer, bearer, eventually, password_grant
from tests.platform import Platform

ORDER = pb.Order(items=[pb.Order.Item(sku="book", quantity=1)])


def test_the_events_of_an_order_are_read_over_rest_with_where_they_went(
    causeway: Platform, rest: httpx.Client, customer: Customer
) -> None:
    body = {"items": [{"sku": "book", "quantity": 2}]}
    name = rest.post("/v1/orders", json=body, headers=customer.headers).json()["name"]

    def published() -> list[dict[str, object]]:
        events: list[dict[str, object]] = rest.get(
            f"/v1/{name}/events", headers=customer.headers
        ).json()["events"]
        return events if len(events) == 2 and all("offset" in one for one in events) else []

    created, confirmed = eventually(published, "both events on Kafka")
    assert created["data"]["@type"].endswith("causeway.orders.v1.OrderCreated")
    assert created["data"]["items"][0]["quantity"] == 2
    assert (created["sequence"], confirmed["sequence"]) == ("1", "2")
    assert confirmed["type"] == "causeway.orders.v1.OrderConfirmed"
    assert confirmed["correlation"] == created["correlation"]
    auditor = bearer(password_grant(causeway, "ada", "causeway-ada"))
    assert rest.get(f"/v1/{name}/events", headers=auditor).json()["events"] == [created, confirmed]


async def test_a_stranger_gets_the_answer_of_a_missing_order_over_grpc(
    channel: grpc.aio.Channel, new_customer: Callable[[], Customer]
) -> None:
    owner, stranger = new_customer(), new_customer()
    stub = OrderServiceStub(channel)
    order = await stub.CreateOrder(pb.CreateOrderRequest(order=ORDER), metadata=owner.metadata)
    request = pb.ListOrderEventsRequest(parent=order.name, page_size=1)
    page = await stub.ListOrderEvents(request, metadata=owner.metadata)
    [event] = page.events
    assert isinstance(event, Event)
    assert event.data.Is(OrderCreated.DESCRIPTOR)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListOrderEvents(request, metadata=stranger.metadata)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
