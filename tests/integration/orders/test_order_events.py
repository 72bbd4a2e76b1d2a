"""What happened to an order, as its owner, operators and auditors read it."""

import uuid

import asyncpg
import grpc
import pytest

from causeway.bridge.v1.event_pb2 import Event
from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.events_pb2 import OrderCancelled, OrderCreated
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.orders.conftest import order_of
from tests.integration.service_kit import As


@pytest.fixture
async def order(alice: Platform) -> pb.Order:
    """An order with two events."""
    order = await alice.orders.CreateOrder(order_of(("book", 2), ("gum", 1)))
    return await alice.orders.CancelOrder(pb.CancelOrderRequest(name=order.name))


async def listed(caller: Platform, order: pb.Order, size: int = 0) -> list[Event]:
    request = pb.ListOrderEventsRequest(parent=order.name, page_size=size)
    found: list[Event] = []
    while True:
        page = await caller.orders.ListOrderEvents(request)
        assert not size or len(page.events) <= size
        found += page.events
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def refusal(caller: Platform, parent: str, token: str = "") -> CallFailed:
    request = pb.ListOrderEventsRequest(parent=parent, page_size=1, page_token=token)
    with pytest.raises(CallFailed) as caught:
        await caller.orders.ListOrderEvents(request)
    return caught.value


async def test_an_owner_reads_the_events_of_its_order_oldest_first(
    alice: Platform, order: pb.Order
) -> None:
    created, cancelled = await listed(alice, order)
    assert [created.sequence, cancelled.sequence] == [1, 2]
    data = OrderCreated()
    assert created.data.Unpack(data)
    assert (data.total, data.customer, len(data.items)) == (order.total, order.customer, 2)
    assert cancelled.data.Is(OrderCancelled.DESCRIPTOR)
    assert {event.subject for event in (created, cancelled)} == {order.name}
    assert {event.source for event in (created, cancelled)} == {"/causeway/orders"}
    assert cancelled.key == order.name.removeprefix("orders/")
    assert created.time == order.create_time
    assert created.correlation
    assert not created.causation


async def test_an_event_says_where_it_went_as_soon_as_that_is_known(
    alice: Platform, pool: asyncpg.Pool, order: pb.Order
) -> None:
    before, _ = await listed(alice, order)
    assert before.topic == "causeway.orders.v1"
    assert not before.HasField("offset")
    await pool.execute(
        """
        WITH sent AS (
            DELETE FROM bridge.outbox USING bridge.events AS event
            WHERE outbox.position = event.position AND event.stream = $1 AND event.version = 1
            RETURNING outbox.position, outbox.topic
        )
        INSERT INTO bridge.published (position, topic, partition, record_offset)
        SELECT position, topic, 2, 41 FROM sent
        """,
        order.name,
    )
    after, waiting = await listed(alice, order)
    assert (after.topic, after.partition, after.offset) == ("causeway.orders.v1", 2, 41)
    assert not waiting.HasField("offset")


async def test_pages_of_events_follow_each_other(alice: Platform, order: pb.Order) -> None:
    assert await listed(alice, order, size=1) == await listed(alice, order)


async def test_operators_and_auditors_read_anybodys_events(
    alice: Platform, oscar: Platform, call_as: As, order: pb.Order
) -> None:
    ada = call_as(str(uuid.uuid4()), "auditor")
    assert await listed(oscar, order) == await listed(ada, order) == await listed(alice, order)


async def test_an_auditor_sees_the_events_and_not_the_order(call_as: As, order: pb.Order) -> None:
    ada = call_as(str(uuid.uuid4()), "auditor")
    with pytest.raises(CallFailed) as caught:
        await ada.orders.GetOrder(pb.GetOrderRequest(name=order.name))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_a_strangers_order_reads_as_a_missing_one(call_as: As, order: pb.Order) -> None:
    stranger, missing = call_as(str(uuid.uuid4())), f"orders/{uuid.uuid4()}"
    said = [await refusal(stranger, name) for name in (order.name, missing)]
    assert {error.code for error in said} == {grpc.StatusCode.NOT_FOUND}
    first, second = (
        (error.message.replace(name, "X"), error.reason)
        for error, name in zip(said, (order.name, missing), strict=True)
    )
    assert first == second


async def test_a_page_token_is_good_for_its_caller_and_order_alone(
    alice: Platform, oscar: Platform, order: pb.Order
) -> None:
    other = await alice.orders.CreateOrder(order_of(("book", 1)))
    request = pb.ListOrderEventsRequest(parent=order.name, page_size=1)
    token = (await alice.orders.ListOrderEvents(request)).next_page_token
    tries = ((oscar, order.name, token), (alice, other.name, token), (alice, order.name, "x"))
    for caller, parent, said in tries:
        error = await refusal(caller, parent, said)
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
        assert list(error.violations) == ["page_token"]
