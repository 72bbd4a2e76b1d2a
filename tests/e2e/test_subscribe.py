"""Events as they are written, through the edge: over gRPC, as lines of JSON, and for a browser."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio
import httpx
import httpx_sse
import pytest

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from causeway.orders.v1 import events_pb2 as orders
from tests.e2e.conftest import Customer, bearer, password_grant
from tests.platform import Platform

TOPIC, CREATED = "causeway.orders.v1", "causeway.orders.v1.OrderCreated"
NDJSON, SSE = "application/x-ndjson", "text/event-stream"


@pytest.fixture
def auditor(causeway: Platform) -> str:
    return password_grant(causeway, "ada", "causeway-ada")


def place(rest: httpx.Client, customer: Customer) -> str:
    body = {"items": [{"sku": "book", "quantity": 1}]}
    answer = rest.post("/v1/orders", json=body, headers=customer.headers)
    name: str = answer.raise_for_status().json()["name"]
    return name


@contextmanager
def subscribed(
    rest: httpx.Client, token: str, accept: str, **params: str
) -> Iterator[Iterator[Any]]:
    """The records of a stream, from where its place is known."""
    headers = {"accept": accept, **bearer(token)}
    asked = {"topics": TOPIC, "types": CREATED, **params}
    with rest.stream("GET", "/v1/events:subscribe", params=asked, headers=headers) as answer:
        assert answer.headers["content-type"] == accept
        if accept == SSE:
            records = (one.json() for one in httpx_sse.EventSource(answer).iter_sse())
        else:
            records = (json.loads(line) for line in answer.iter_lines())
        while not next(records).get("resumeToken"):
            pass  # signs of life until its place is known
        yield records


def event_about(records: Iterator[Any], name: str) -> tuple[Any, str]:
    """The first event about an order, and the token to go on behind it."""
    for record in records:
        if record.get("event", {}).get("subject") == name:
            return record["event"], record["resumeToken"]
    raise AssertionError("the stream ended without it")


@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_an_auditor_sees_an_order_as_json_and_resumes_behind_it(
    rest: httpx.Client, customer: Customer, auditor: str, accept: str
) -> None:
    with subscribed(rest, auditor, accept) as records:
        first = place(rest, customer)
        event, token = event_about(records, first)
    assert event["data"]["@type"] == f"type.googleapis.com/{CREATED}"
    assert event["data"]["customer"] == customer.name
    assert (event["topic"], event["key"]) == (TOPIC, first.removeprefix("orders/"))
    second = place(rest, customer)
    with subscribed(rest, auditor, accept, resumeToken=token) as records:
        assert event_about(records, second)[0]["source"] == "/causeway/orders"


async def test_an_auditor_follows_one_order_over_grpc(
    channel: grpc.aio.Channel, rest: httpx.Client, customer: Customer, auditor: str
) -> None:
    stub = EventServiceStub(channel)
    metadata = (("authorization", f"Bearer {auditor}"),)
    call = stub.SubscribeEvents(pb.SubscribeEventsRequest(topics=[TOPIC]), metadata=metadata)
    began: Any = None
    while not getattr(began, "resume_token", ""):
        began = await call.read()
    name = await asyncio.to_thread(place, rest, customer)
    mine = pb.SubscribeEventsRequest(topics=[TOPIC], keys=[name.removeprefix("orders/")])
    mine.time.CopyFrom(await created(call, name))
    call.cancel()
    assert began.HasField("heartbeat")
    call = stub.SubscribeEvents(mine, metadata=metadata)
    seen: list[str] = []
    while "OrderConfirmed" not in seen:
        answer: pb.SubscribeEventsResponse = await call.read()  # type: ignore[assignment]
        if answer.HasField("event"):
            assert answer.event.subject == name
            seen.append(answer.event.type.rpartition(".")[2])
    assert seen == ["OrderCreated", "OrderConfirmed"]
    call.cancel()


async def created(call: Any, name: str) -> Any:
    """When an order was created, as a stream tells it."""
    async with asyncio.timeout(20):
        while True:
            answer = await call.read()
            data = orders.OrderCreated()
            if answer.event.subject == name and answer.event.data.Unpack(data):
                return answer.event.time


def test_a_customer_is_refused_and_an_unknown_topic_is_named(
    rest: httpx.Client, customer: Customer, auditor: str
) -> None:
    path = "/v1/events:subscribe"
    refused = rest.get(path, params={"topics": TOPIC}, headers=customer.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, 7)
    unknown = rest.get(path, params={"topics": "no.such"}, headers=bearer(auditor))
    assert (unknown.status_code, unknown.json()["code"]) == (400, 3)
    assert TOPIC in unknown.json()["message"]


def test_a_person_follows_events_at_a_terminal(
    causeway: Platform, rest: httpx.Client, customer: Customer
) -> None:
    key = place(rest, customer).removeprefix("orders/")
    words = ("--type", "OrderCreated", "--key", key, "--since", "10m", "-n", "1", "--json")
    told = json.loads(causeway.causeway("events", "follow", *words).stdout)
    assert told["data"]["customer"] == customer.name
