import asyncio
import uuid

import grpc
import pytest

from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.orders import aggregate
from services.orders.order_log import OrderLog
from tests.integration.orders.conftest import order_of
from tests.integration.orders.credit import Credit
from tests.integration.service_kit import As


@pytest.fixture
def credit(pool: object, log: OrderLog) -> Credit:
    return Credit(pool, log)


async def place(caller: Platform) -> pb.Order:
    return await caller.orders.CreateOrder(order_of(("book", 1)))


async def get(caller: Platform, order: pb.Order) -> pb.Order:
    return await caller.orders.GetOrder(pb.GetOrderRequest(name=order.name))


async def test_reserved_credit_confirms_and_the_goods_go_out(
    alice: Platform, oscar: Platform, credit: Credit
) -> None:
    order = await place(alice)
    await credit.reserved(order)
    assert (await get(alice, order)).state == pb.Order.STATE_CONFIRMED
    shipped = await oscar.orders.ShipOrder(pb.ShipOrderRequest(name=order.name, etag="2"))
    assert (shipped.state, shipped.etag) == (pb.Order.STATE_SHIPPED, "3")
    delivered = await oscar.orders.DeliverOrder(pb.DeliverOrderRequest(name=order.name))
    assert (delivered.state, delivered.etag) == (pb.Order.STATE_DELIVERED, "4")


async def test_denied_credit_rejects_with_its_reason(alice: Platform, credit: Credit) -> None:
    order = await place(alice)
    await credit.denied(order, "3.00 EUR are left")
    rejected = await get(alice, order)
    assert (rejected.state, rejected.reject_reason) == (
        pb.Order.STATE_REJECTED,
        "3.00 EUR are left",
    )


async def test_credit_for_a_cancelled_order_is_ignored(alice: Platform, credit: Credit) -> None:
    order = await place(alice)
    await alice.orders.CancelOrder(pb.CancelOrderRequest(name=order.name))
    await credit.reserved(order)
    assert (await get(alice, order)).state == pb.Order.STATE_CANCELLED


async def test_a_decision_that_comes_twice_changes_nothing(alice: Platform, credit: Credit) -> None:
    order = await place(alice)
    await credit.reserved(order)
    await credit.reserved(order)
    assert (await get(alice, order)).etag == "2"


async def test_a_cancellation_and_a_confirmation_at_once_follow_each_other(
    alice: Platform, credit: Credit
) -> None:
    for _ in range(10):
        order = await place(alice)
        cancelled, _ = await asyncio.gather(
            alice.orders.CancelOrder(pb.CancelOrderRequest(name=order.name)),
            credit.reserved(order),
        )
        assert cancelled.state == pb.Order.STATE_CANCELLED
        assert (await get(alice, order)).etag in ("2", "3")


async def test_an_illegal_transition_is_a_failed_precondition(
    alice: Platform, oscar: Platform
) -> None:
    order = await place(alice)
    with pytest.raises(CallFailed, match="PENDING") as caught:
        await oscar.orders.ShipOrder(pb.ShipOrderRequest(name=order.name))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.reason == "ILLEGAL_TRANSITION"


async def test_a_stale_etag_is_aborted_and_says_the_present_one(
    alice: Platform, credit: Credit
) -> None:
    order = await place(alice)
    await credit.reserved(order)
    with pytest.raises(CallFailed) as caught:
        await alice.orders.CancelOrder(pb.CancelOrderRequest(name=order.name, etag=order.etag))
    assert caught.value.code is grpc.StatusCode.ABORTED
    assert caught.value.metadata["etag"] == "2"


async def test_a_cancellation_sent_twice_with_one_request_id_is_one(alice: Platform) -> None:
    order = await place(alice)
    request = pb.CancelOrderRequest(name=order.name, request_id=str(uuid.uuid4()))
    answers = await asyncio.gather(*(alice.orders.CancelOrder(request) for _ in range(5)))
    assert {(answer.state, answer.etag) for answer in answers} == {(pb.Order.STATE_CANCELLED, "2")}


async def test_who_lost_the_right_to_an_order_is_not_shown_it_by_a_repeat(
    alice: Platform, call_as: As
) -> None:
    order = await place(alice)
    request = pb.CancelOrderRequest(name=order.name, request_id=str(uuid.uuid4()))
    user = str(uuid.uuid4())
    await call_as(user, "operator").orders.CancelOrder(request)
    with pytest.raises(CallFailed) as caught:
        await call_as(user, "customer").orders.CancelOrder(request)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_a_stranger_sees_the_words_of_a_missing_order(alice: Platform, call_as: As) -> None:
    order = await place(alice)
    stranger = call_as(str(uuid.uuid4()))
    missing = pb.Order(name="orders/0-none")
    said = []
    for name in (order.name, missing.name):
        calls = (
            stranger.orders.GetOrder(pb.GetOrderRequest(name=name)),
            stranger.orders.CancelOrder(pb.CancelOrderRequest(name=name)),
            anext(aiter(stranger.orders.WatchOrder(pb.WatchOrderRequest(name=name)))),
        )
        for call in calls:
            with pytest.raises(CallFailed) as caught:
                await call
            assert caught.value.code is grpc.StatusCode.NOT_FOUND
            said.append((caught.value.message.replace(name, "X"), caught.value.reason))
    assert len(set(said)) == 1


async def test_an_operator_sees_and_cancels_anybodys_order(
    alice: Platform, oscar: Platform
) -> None:
    order = await place(alice)
    assert await get(oscar, order) == order
    cancelled = await oscar.orders.CancelOrder(pb.CancelOrderRequest(name=order.name))
    assert cancelled.state == pb.Order.STATE_CANCELLED


async def test_the_stream_tells_the_same_story_as_the_read_model(
    alice: Platform, credit: Credit, pool: object, log: OrderLog
) -> None:
    order = await place(alice)
    await credit.reserved(order)
    history = await credit.history(order)
    assert [state.state for state in history] == [
        aggregate.State.PENDING,
        aggregate.State.CONFIRMED,
    ]
    assert history[-1].version == int((await get(alice, order)).etag)
