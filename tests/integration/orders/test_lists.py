import asyncio
import uuid

import grpc
import pytest

from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.orders.conftest import order_of
from tests.integration.service_kit import As


async def place(caller: Platform, count: int) -> list[str]:
    """Names, newest first."""
    placed = [await caller.orders.CreateOrder(order_of(("book", 1))) for _ in range(count)]
    return [order.name for order in reversed(placed)]


async def customer_of(caller: Platform) -> str:
    """Who it is, after its first order."""
    page = await caller.orders.ListOrders(pb.ListOrdersRequest(page_size=1))
    return page.orders[0].customer


async def pages(caller: Platform, request: pb.ListOrdersRequest) -> list[list[str]]:
    found = []
    while True:
        page = await caller.orders.ListOrders(request)
        found.append([order.name for order in page.orders])
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_a_caller_lists_its_own_orders_newest_first(alice: Platform, call_as: As) -> None:
    names = await place(alice, 3)
    await place(call_as(str(uuid.uuid4())), 1)
    assert await pages(alice, pb.ListOrdersRequest()) == [names]


async def test_pages_hold_what_was_asked_and_nothing_twice_while_orders_come_in(
    alice: Platform,
) -> None:
    names = await place(alice, 5)
    request = pb.ListOrdersRequest(page_size=2)
    first = await alice.orders.ListOrders(request)
    await place(alice, 1)
    request.page_token = first.next_page_token
    rest = await pages(alice, request)
    assert [[order.name for order in first.orders], *rest] == [names[:2], names[2:4], names[4:]]


async def test_an_operator_lists_everybodys(alice: Platform, oscar: Platform) -> None:
    names = await place(alice, 2)
    page = await oscar.orders.ListOrders(pb.ListOrdersRequest(page_size=2))
    assert [order.name for order in page.orders] == names


async def test_the_state_filters(alice: Platform) -> None:
    names = await place(alice, 2)
    await alice.orders.CancelOrder(pb.CancelOrderRequest(name=names[0]))
    request = pb.ListOrdersRequest(state=pb.Order.STATE_CANCELLED)
    assert await pages(alice, request) == [names[:1]]
    assert await pages(alice, pb.ListOrdersRequest(state=pb.Order.STATE_SHIPPED)) == [[]]


async def test_an_operator_lists_the_orders_of_one_customer_page_after_page(
    alice: Platform, oscar: Platform, call_as: As
) -> None:
    names = await place(alice, 3)
    await place(call_as(str(uuid.uuid4())), 1)
    request = pb.ListOrdersRequest(customer=await customer_of(alice), page_size=2)
    assert await pages(oscar, request) == [names[:2], names[2:]]
    request = pb.ListOrdersRequest(customer=request.customer, state=pb.Order.STATE_SHIPPED)
    assert await pages(oscar, request) == [[]]


async def test_a_customer_finds_its_own_orders_by_customer_and_nobody_elses(
    alice: Platform, call_as: As
) -> None:
    names, bob = await place(alice, 1), call_as(str(uuid.uuid4()))
    customer = await customer_of(alice)
    assert await pages(alice, pb.ListOrdersRequest(customer=customer)) == [names]
    missing = f"users/{uuid.uuid4()}"
    for name in (customer, missing):
        assert await pages(bob, pb.ListOrdersRequest(customer=name)) == [[]]


async def test_a_customer_that_is_no_name_is_refused(oscar: Platform) -> None:
    with pytest.raises(CallFailed) as caught:
        await oscar.orders.ListOrders(pb.ListOrdersRequest(customer="alice"))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(caught.value.violations) == ["customer"]


async def test_every_order_that_was_there_is_listed_once_while_others_are_placed(
    alice: Platform,
) -> None:
    names = await place(alice, 6)
    request = pb.ListOrdersRequest(page_size=2)
    found: list[str] = []
    while True:
        page, _ = await asyncio.gather(alice.orders.ListOrders(request), place(alice, 1))
        found += [order.name for order in page.orders]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert len(set(found)) == len(found)
    assert [name for name in found if name in names] == names


async def test_a_page_token_opens_no_other_list(alice: Platform, oscar: Platform) -> None:
    await place(alice, 2)
    customer = await customer_of(alice)
    page = await alice.orders.ListOrders(pb.ListOrdersRequest(page_size=1))
    token = page.next_page_token
    tries = [
        (oscar, pb.ListOrdersRequest(page_size=1, page_token=token)),
        (alice, pb.ListOrdersRequest(page_token=token, state=pb.Order.STATE_PENDING)),
        (alice, pb.ListOrdersRequest(page_token=token, customer=customer)),
        (alice, pb.ListOrdersRequest(page_token=token + "x")),
    ]
    for caller, request in tries:
        with pytest.raises(CallFailed) as caught:
            await caller.orders.ListOrders(request)
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
