"""The typed client on the real platform: its document's example, and publishing to subscribers."""

import asyncio
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator

import pytest

from causeway.bridge.v1.event_pb2 import Event
from causeway.bridge.v1.event_service_pb2 import START_POSITION_EARLIEST, SubscribeEventsRequest
from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.orders.v1.order_service_pb2 import (
    CreateOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    Order,
)
from client import platform
from client.errors import InvalidArgument, NotFound
from client.pages import pages
from client.publishing import publishing
from client.streams import follow
from client.tokens import password
from tests.e2e.conftest import Customer
from tests.e2e.test_readme import block, paste
from tests.platform import ROOT, Platform

DOCUMENT = (ROOT / "docs" / "client.md").read_text("utf-8")


@pytest.fixture
async def as_root(causeway: Platform) -> AsyncIterator[platform.Platform]:
    token = password(causeway["CAUSEWAY_ISSUER"], "root", "causeway-root")
    async with platform.Platform(causeway["CAUSEWAY_EDGE"], token) as connected:
        yield connected


@pytest.fixture
async def as_customer(causeway: Platform, customer: Customer) -> AsyncIterator[platform.Platform]:
    async def token() -> str:
        return customer.token

    async with platform.Platform(causeway["CAUSEWAY_EDGE"], token) as connected:
        yield connected


def test_the_documents_example_places_an_order_and_says_who_may_ship_it(causeway: Platform) -> None:
    program = block("python", DOCUMENT)
    assert len([line for line in program.splitlines() if line]) < 25
    *changes, refused, role = paste(causeway, [sys.executable, "-c"], program).splitlines()
    assert re.fullmatch(r"orders/\S+ STATE_(CONFIRMED|REJECTED)", changes[-1])
    assert refused.startswith("OrderService/ShipOrder: PERMISSION_DENIED: ")
    assert role == "  the caller needs the role operator"


async def test_pages_are_read_to_the_end_and_refusals_caught_by_class(
    as_customer: platform.Platform,
) -> None:
    order = Order(items=[Order.Item(sku="book", quantity=1)])
    placed = {
        (await as_customer.orders.CreateOrder(CreateOrderRequest(order=order))).name
        for _ in range(3)
    }
    listed = [
        order.name
        async for page in pages(as_customer.orders.ListOrders, ListOrdersRequest(page_size=2))
        for order in page.orders
    ]
    assert len(listed) == 3
    assert set(listed) == placed
    with pytest.raises(NotFound) as missing:
        await as_customer.orders.GetOrder(GetOrderRequest(name="orders/nobodys"))
    assert missing.value.reason == "RESOURCE_NOT_FOUND"
    order.items[0].quantity = 20_000
    with pytest.raises(InvalidArgument) as refused:
        await as_customer.orders.CreateOrder(CreateOrderRequest(order=order))
    assert list(refused.value.violations) == ["order.items[0].quantity"]


def adjusted(sku: str, delta: int) -> Event:
    event = Event(source="/warehouse/client")
    event.data.Pack(StockAdjusted(sku=sku, delta=delta))
    return event


async def test_what_is_published_reaches_a_subscriber_once_and_in_order(
    as_root: platform.Platform,
) -> None:
    sku = f"c-{uuid.uuid4().hex[:12]}"
    async with publishing(as_root.events, window=20) as publisher:
        for number in range(1, 101):
            await publisher.send(adjusted(sku, number))
    assert publisher.stored == 100
    request = SubscribeEventsRequest(
        topics=["causeway.inventory.v1"], keys=[sku], position=START_POSITION_EARLIEST
    )
    seen: list[int] = []
    async for told in follow(as_root.events.SubscribeEvents, request):
        adjustment = StockAdjusted()
        assert told.event.data.Unpack(adjustment)
        seen.append(adjustment.delta)
        if len(seen) == 100:
            break
    assert seen == list(range(1, 101))


@pytest.mark.long
async def test_nothing_is_lost_or_doubled_when_replicas_go_away_meanwhile(
    causeway: Platform, as_root: platform.Platform
) -> None:
    sku = f"c-{uuid.uuid4().hex[:12]}"
    request = SubscribeEventsRequest(
        topics=["causeway.inventory.v1"], keys=[sku], position=START_POSITION_EARLIEST
    )
    seen: list[int] = []

    async def listen() -> None:
        async for told in follow(as_root.events.SubscribeEvents, request):
            seen.append(StockAdjusted.FromString(told.event.data.value).delta)
            if len(seen) == 300:
                return

    async with asyncio.timeout(240), asyncio.TaskGroup() as group:
        group.create_task(listen())
        async with publishing(as_root.events, window=50) as publisher:
            for number in range(1, 301):
                if number in (100, 200):
                    bridge = {part["name"]: part["pid"] for part in causeway.status()["components"]}
                    os.kill(bridge["bridge-api-1"], signal.SIGKILL)
                await publisher.send(adjusted(sku, number))
                await asyncio.sleep(0.01)
    assert seen == list(range(1, 301))


async def test_an_event_that_is_refused_is_told_with_its_place(as_root: platform.Platform) -> None:
    sku = f"c-{uuid.uuid4().hex[:12]}"
    stored: list[int] = []

    async def publish() -> None:
        async with publishing(as_root.events) as publisher:
            try:
                for delta in (1, 2, 2_000_000_000, 4):
                    await publisher.send(adjusted(sku, delta))
                await publisher.flush()
            finally:
                stored.append(publisher.stored)

    with pytest.raises(InvalidArgument) as refused:
        await publish()
    assert stored == [2]
    assert [*refused.value.violations] == ["event.data.delta"]
