"""A subscriber while brokers die: it goes on, misses nothing, and sees nothing out of order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc.aio
import httpx
import pytest

from causeway.bridge.v1 import event_service_pb2 as pb
from causeway.bridge.v1.event_service_pb2_grpc import EventServiceStub
from client.streams import follow
from tests.e2e.conftest import Customer, eventually, password_grant, whole
from tests.e2e.test_failover import kill, leaders
from tests.integration.bridge.parts import until
from tests.platform import Platform

TOPIC, CREATED = "causeway.orders.v1", "causeway.orders.v1.OrderCreated"
PAUSE = 0.05
"""Seconds between two orders."""
BODY = {"items": [{"sku": "book", "quantity": 1}]}


@pytest.fixture(autouse=True)
def _healed(causeway: Platform) -> Iterator[None]:
    """The supervisor brings back what was killed."""
    yield
    eventually(lambda: whole(causeway), "all up and in sync again", seconds=120)


@asynccontextmanager
async def ordering(
    rest: httpx.Client, customer: Customer, placed: list[str]
) -> AsyncIterator[None]:
    """Place orders for the length of the block, no more than the platform handles meanwhile: what
    comes after this test is not to wait behind thousands of mails."""
    stop = asyncio.Event()

    def place() -> None:
        answer = rest.post("/v1/orders", json=BODY, headers=customer.headers)
        placed.append(answer.raise_for_status().json()["name"])

    async def go_on() -> None:
        while not stop.is_set():
            await asyncio.to_thread(place)
            await asyncio.sleep(PAUSE)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        stop.set()
        await task


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_subscriber_sees_every_order_while_each_broker_is_killed_in_turn(
    causeway: Platform, channel: grpc.aio.Channel, rest: httpx.Client, customer: Customer
) -> None:
    token = password_grant(causeway, "ada", "causeway-ada")
    stub, seen = EventServiceStub(channel), dict[tuple[int, int], str]()
    began = asyncio.Event()

    def opened(request: pb.SubscribeEventsRequest) -> Any:
        metadata = (("authorization", f"Bearer {token}"),)
        return stub.SubscribeEvents(request, metadata=metadata)

    async def read() -> None:
        request = pb.SubscribeEventsRequest(topics=[TOPIC], types=[CREATED])
        async for answer in follow(opened, request):
            began.set()
            at = (answer.event.partition, answer.event.offset)
            assert at not in seen, "without a broken stream nothing comes twice"
            assert all(offset < at[1] for part, offset in seen if part == at[0])
            seen[at] = answer.event.subject

    placed: list[str] = []
    reading = asyncio.create_task(read())
    async with ordering(rest, customer, placed):
        await asyncio.wait_for(began.wait(), 20)
        # The one under way may be older than the stream's place in its partition.
        since = len(placed) + 1
        for broker in sorted(filter(None, set(leaders(causeway).values()))):
            kill(causeway, f"kafka-{broker}")
            enough = len(seen) + 20
            await until(lambda more=enough: reading.done() or len(seen) >= more, 60)
            assert not reading.done(), reading.exception()
            await asyncio.to_thread(eventually, lambda: in_sync(causeway), "in sync", 90)
    with suppress(AssertionError):
        await until(lambda: set(placed[since:]) <= set(seen.values()), 60)
    assert set(placed[since:]) - set(seen.values()) == set()
    reading.cancel()


def in_sync(causeway: Platform) -> bool:
    """Whether every partition has all its replicas."""
    return {len(row["in_sync"]) for row in causeway.status()["partitions"]} == {3}
