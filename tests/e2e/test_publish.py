"""Events from outside, through the edge: who may publish, and that each counts once."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.orders.v1.events_pb2 import OrderShipped
from tests.e2e.conftest import Customer, bearer, eventually, password_grant
from tests.platform import Platform

SOURCE = "/warehouse/berlin"
STOCK = "causeway.inventory.v1.StockAdjusted"
Metadata = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def paul(causeway: Platform) -> str:
    return password_grant(causeway, "paul", "causeway-paul")


@pytest.fixture
def metadata(paul: str) -> Metadata:
    return (("authorization", f"Bearer {paul}"),)


@pytest.fixture
def sku(causeway: Platform, rest: httpx.Client) -> str:
    """A product that no other test counts."""
    sku = f"lens-{uuid.uuid4().hex[:12]}"
    oscar = bearer(password_grant(causeway, "oscar", "causeway-oscar"))
    answer = rest.patch(
        f"/v1/products/{sku}",
        params={"allowMissing": "true"},
        json={"displayName": "Lens", "price": {"currencyCode": "EUR", "units": "9"}},
        headers=oscar,
    )
    assert answer.status_code == 200, answer.text
    return sku


def stock(rest: httpx.Client, customer: Customer, sku: str) -> int | None:
    """The pieces that customers see."""
    token = ""
    while True:
        params = {"pageSize": "200", "pageToken": token}
        page = rest.get("/v1/products", params=params, headers=customer.headers).json()
        for product in page["products"]:
            if product["name"] == f"products/{sku}":
                return int(product["stock"])
        token = page["nextPageToken"]
        if not token:
            return None


def body(sku: str, delta: int, **more: Any) -> dict[str, Any]:
    data = {"@type": f"type.googleapis.com/{STOCK}", "sku": sku, "delta": str(delta)}
    return {"type": STOCK, "source": SOURCE, "data": data, **more}


def event(sku: str, delta: int, name: str) -> Event:
    made = Event(type=STOCK, source=SOURCE, name=name)
    made.data.Pack(StockAdjusted(sku=sku, delta=delta))
    return made


def test_what_a_publisher_sends_over_rest_is_stock_that_customers_see(
    rest: httpx.Client, paul: str, customer: Customer, sku: str
) -> None:
    wanted = body(sku, 7, name=f"events/{uuid.uuid4()}")
    first = rest.post("/v1/events", json=wanted, headers=bearer(paul))
    assert first.status_code == 200, first.text
    stored = first.json()
    assert stored["data"] == wanted["data"] | {"reason": ""}
    assert (stored["source"], stored["subject"], stored["key"], stored["sequence"]) == (
        SOURCE,
        f"inventory/{sku}",
        sku,
        "1",
    )
    again = rest.post("/v1/events", json=wanted, headers=bearer(paul)).json()
    assert again["name"] == stored["name"]
    eventually(lambda: stock(rest, customer, sku) == 7, "the stock")
    rest.post("/v1/events", json=body(sku, -2), headers=bearer(paul))
    eventually(lambda: stock(rest, customer, sku) == 5, "the repeat counts once")


def test_an_auditor_sees_who_published_it_and_what_became_of_it(
    causeway: Platform, rest: httpx.Client, paul: str, sku: str
) -> None:
    name = rest.post("/v1/events", json=body(sku, 1), headers=bearer(paul)).json()["name"]
    ada = bearer(password_grant(causeway, "ada", "causeway-ada"))

    def handled() -> Any:
        trace = rest.get(f"/v1/{name}:trace", headers=ada).json()
        outcomes = {one["group"]: one["state"] for one in trace["outcomes"]}
        return trace if outcomes.get("causeway.orders.stock") == "STATE_HANDLED" else None

    trace = eventually(handled, "Orders handled it")
    assert trace["event"]["source"] == SOURCE
    assert trace["method"] == "/causeway.bridge.v1.EventService/PublishEvent"
    assert trace["client"] == "causeway-cli"


def test_a_misspelt_field_stores_no_adjustment_of_nothing(
    rest: httpx.Client, paul: str, sku: str
) -> None:
    wanted = body(sku, 5)
    wanted["data"]["detla"] = wanted["data"].pop("delta")
    answer = rest.post("/v1/events", json=wanted, headers=bearer(paul))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("event.data.delta")


def test_a_customer_publishes_nothing(rest: httpx.Client, customer: Customer) -> None:
    answer = rest.post("/v1/events", json=body("book", 7), headers=customer.headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == grpc.StatusCode.PERMISSION_DENIED.value[0]


async def test_an_event_of_another_service_is_forged_by_nobody(
    channel: grpc.aio.Channel, metadata: Metadata
) -> None:
    forged = Event(type=OrderShipped.DESCRIPTOR.full_name, source=SOURCE, name="events/forged")
    forged.data.Pack(OrderShipped(order_id="o1", customer="users/u1"))
    for source in (SOURCE, "/causeway/orders"):
        forged.source = source
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await EventServiceStub(channel).PublishEvent(
                pb.PublishEventRequest(event=forged), metadata=metadata
            )
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_stream_that_is_cut_and_sent_again_counts_each_event_once(
    rest: httpx.Client,
    channel: grpc.aio.Channel,
    metadata: Metadata,
    customer: Customer,
    sku: str,
) -> None:
    mark = uuid.uuid4().hex[:8]
    stub = EventServiceStub(channel)

    async def requests(first: int, last: int) -> AsyncIterator[pb.PublishEventsRequest]:
        for number in range(first, last + 1):
            name = f"events/{mark}-{number}"
            yield pb.PublishEventsRequest(sequence=number, event=event(sku, number, name))

    cut = stub.PublishEvents(requests(1, 300), metadata=metadata)
    answer = await cut.read()
    assert isinstance(answer, pb.PublishEventsResponse)
    cut.cancel()
    rest_of_it = stub.PublishEvents(requests(answer.up_to + 1, 300), metadata=metadata)
    acknowledged = [one.up_to async for one in rest_of_it]
    assert acknowledged[-1:] in ([300], [])
    wanted = sum(range(1, 301))
    eventually(lambda: stock(rest, customer, sku) == wanted, "all pieces, each once")
