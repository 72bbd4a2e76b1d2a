import time
import uuid
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed, Unavailable
from client.platform import Platform
from tests.unit.client.fakes import Refusal, Script, serving

AWAY = Refusal(
    grpc.StatusCode.UNAVAILABLE,
    details=(RetryInfo(retry_delay=Duration(nanos=1_000_000)),),
)
ORDER = pb.Order(name="orders/1")


async def token() -> str:
    return "t0ken"


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def causeway(script: Script) -> AsyncIterator[Platform]:
    async with serving(script) as edge, Platform(edge, token) as platform:
        yield platform


async def test_a_call_carries_the_token_and_a_deadline(causeway: Platform, script: Script) -> None:
    await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    _, metadata = script.calls[0]
    assert metadata["authorization"] == "Bearer t0ken"
    assert 5 < script.deadlines[0] <= 10


async def test_the_callers_own_deadline_counts(causeway: Platform, script: Script) -> None:
    await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"), timeout=2)
    assert script.deadlines[0] < 3


async def test_a_mutating_call_is_repeated_with_one_request_id_while_the_service_is_away(
    causeway: Platform, script: Script
) -> None:
    script.answer = lambda number: AWAY if number < 3 else ORDER
    request = pb.CreateOrderRequest(order=ORDER)
    order = await causeway.orders.CreateOrder(request)
    assert order.name == "orders/1"
    ids = {sent.request_id for sent, _ in script.calls}  # type: ignore[attr-defined]
    assert len(script.calls) == 3
    assert len(ids) == 1
    assert uuid.UUID(ids.pop())
    assert request.request_id == "", "the caller's message is its own"


async def test_the_callers_request_id_is_kept(causeway: Platform, script: Script) -> None:
    request = pb.CreateOrderRequest(order=ORDER, request_id=str(uuid.uuid4()))
    await causeway.orders.CreateOrder(request)
    assert script.calls[0][0] == request


async def test_a_service_that_stays_away_is_given_up(causeway: Platform, script: Script) -> None:
    script.answer = lambda _: AWAY
    with pytest.raises(CallFailed) as caught:
        await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert len(script.calls) == 4


async def test_the_servers_word_for_how_long_to_wait_is_kept(
    causeway: Platform, script: Script
) -> None:
    wait = RetryInfo(retry_delay=Duration(nanos=300_000_000))
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, details=(wait,))
    script.answer = lambda number: refusal if number == 1 else ORDER
    begun = time.monotonic()
    await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    assert 0.3 <= time.monotonic() - begun < 10


async def test_a_wait_beyond_the_deadline_is_not_begun(causeway: Platform, script: Script) -> None:
    wait = RetryInfo(retry_delay=Duration(seconds=30))
    script.answer = lambda _: Refusal(grpc.StatusCode.UNAVAILABLE, details=(wait,))
    begun = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    assert caught.value.retry_after == 30
    assert time.monotonic() - begun < 10
    assert len(script.calls) == 1


async def test_another_refusal_is_not_tried_again(causeway: Platform, script: Script) -> None:
    script.answer = lambda _: Refusal(grpc.StatusCode.ABORTED)
    with pytest.raises(CallFailed):
        await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    assert len(script.calls) == 1


async def test_a_refusal_says_the_reason_and_the_fields(causeway: Platform, script: Script) -> None:
    bad = BadRequest()
    bad.field_violations.add(field="order.items[0].sku", description="there is no products/x")
    info = ErrorInfo(reason="UNKNOWN_SKU", domain="causeway", metadata={"sku": "x"})
    script.answer = lambda _: Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "unknown product: x", (info, bad)
    )
    with pytest.raises(CallFailed) as caught:
        await causeway.orders.CreateOrder(pb.CreateOrderRequest(order=ORDER))
    error = caught.value
    assert (error.reason, error.metadata) == ("UNKNOWN_SKU", {"sku": "x"})
    assert error.violations == {"order.items[0].sku": "there is no products/x"}
    assert str(error) == (
        "OrderService/CreateOrder: INVALID_ARGUMENT: unknown product: x [UNKNOWN_SKU]\n"
        "  order.items[0].sku: there is no products/x"
    )


async def test_a_403_names_the_missing_role_also_where_the_edge_refused(
    causeway: Platform, script: Script
) -> None:
    script.answer = lambda _: Refusal(grpc.StatusCode.PERMISSION_DENIED, "RBAC: access denied")
    with pytest.raises(CallFailed, match="needs the role customer") as caught:
        await causeway.orders.CreateOrder(pb.CreateOrderRequest(order=ORDER))
    assert caught.value.roles == ("customer",)


async def test_a_403_for_another_reason_names_no_role(causeway: Platform, script: Script) -> None:
    info = ErrorInfo(reason="NOT_PUBLISHABLE", domain="causeway")
    script.answer = lambda _: Refusal(grpc.StatusCode.PERMISSION_DENIED, "not yours", (info,))
    with pytest.raises(CallFailed, match=r"not yours \[NOT_PUBLISHABLE\]$") as caught:
        await causeway.orders.CreateOrder(pb.CreateOrderRequest(order=ORDER))
    assert caught.value.roles == ()


async def test_a_stream_that_breaks_raises_the_same_readable_error(
    causeway: Platform, script: Script
) -> None:
    script.answer = lambda _: Refusal(grpc.StatusCode.UNAUTHENTICATED, "the token has ended")
    answers = aiter(causeway.orders.WatchOrder(pb.WatchOrderRequest(name="orders/1")))
    assert (await anext(answers)).order.name == "orders/1"
    with pytest.raises(CallFailed, match="the token has ended"):
        await anext(answers)
    assert script.calls[0][1]["authorization"] == "Bearer t0ken"


async def test_a_stream_may_be_left_in_the_middle(causeway: Platform) -> None:
    async for answer in causeway.orders.WatchOrder(pb.WatchOrderRequest(name="orders/1")):
        assert answer.order.name == "orders/1"
        break
    await causeway.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))


async def test_nobody_listening_is_unavailable_within_the_deadline() -> None:
    async with Platform("127.0.0.1:1", token, timeout=1.0) as platform:
        with pytest.raises(CallFailed) as caught:
            await platform.orders.GetOrder(pb.GetOrderRequest(name="orders/1"))
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
