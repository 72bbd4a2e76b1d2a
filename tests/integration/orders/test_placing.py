import asyncio
import uuid

import asyncpg
import grpc
import pytest
from google.type.money_pb2 import Money

from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.events_pb2 import OrderCreated
from client.errors import CallFailed
from client.platform import Platform
from tests.integration.orders.conftest import order_of
from tests.integration.service_kit import As


async def test_an_order_has_todays_prices_and_the_exact_total(alice: Platform) -> None:
    order = await alice.orders.CreateOrder(order_of(("book", 3), ("gum", 7), ("desk", 1)))
    assert order.total == Money(currency_code="EUR", units=287, nanos=500_000_007)
    assert [item.unit_price.units for item in order.items] == [12, 0, 250]
    assert (order.state, order.etag) == (pb.Order.STATE_PENDING, "1")
    assert uuid.UUID(order.name.removeprefix("orders/")).version == 7
    assert await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order


async def test_a_product_on_two_lines_is_two_lines_and_counts_twice(alice: Platform) -> None:
    order = await alice.orders.CreateOrder(order_of(("book", 1), ("gum", 1), ("book", 2)))
    assert [(item.sku, item.quantity) for item in order.items] == [
        ("book", 1),
        ("gum", 1),
        ("book", 2),
    ]
    assert order.total == Money(currency_code="EUR", units=37, nanos=500_000_001)
    assert await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order


async def test_the_dearest_order_that_there_can_be_is_exact(
    alice: Platform, oscar: Platform
) -> None:
    """Its total in nanos is a hundred times what 64 bits hold."""
    sku = f"yacht-{uuid.uuid4().hex[:8]}"
    price = Money(currency_code="EUR", units=1_000_000, nanos=999_999_999)
    product = pb.Product(name=f"products/{sku}", price=price)
    await oscar.orders.UpdateProduct(pb.UpdateProductRequest(product=product, allow_missing=True))
    order = await alice.orders.CreateOrder(order_of(*[(sku, 10_000)] * 100))
    assert order.total == Money(currency_code="EUR", units=1_000_000_999_999, nanos=999_000_000)
    assert await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order
    cancelled = await alice.orders.CancelOrder(pb.CancelOrderRequest(name=order.name))
    assert cancelled.total == order.total


async def test_what_a_caller_says_of_price_state_and_customer_is_ignored(alice: Platform) -> None:
    request = order_of(("lamp", 1))
    request.order.items[0].unit_price.CopyFrom(Money(currency_code="EUR", units=1))
    request.order.total.CopyFrom(Money(currency_code="EUR", units=1))
    request.order.state = pb.Order.STATE_DELIVERED
    request.order.customer = "users/somebody"
    order = await alice.orders.CreateOrder(request)
    assert (order.total.units, order.state) == (40, pb.Order.STATE_PENDING)
    assert order.customer not in ("", "users/somebody")


async def test_an_unknown_sku_is_refused_and_the_field_named(alice: Platform) -> None:
    with pytest.raises(CallFailed, match="no-such-thing") as caught:
        await alice.orders.CreateOrder(order_of(("book", 1), ("no-such-thing", 1)))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(caught.value.violations) == ["order.items[1].sku"]


async def test_a_hundred_unknown_skus_are_refused_in_an_answer_that_arrives(
    alice: Platform,
) -> None:
    lines = [(f"{number:03}".ljust(64, "x"), 1) for number in range(100)]
    with pytest.raises(CallFailed) as caught:
        await alice.orders.CreateOrder(order_of(*lines))
    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "UNKNOWN_SKU",
    )
    assert caught.value.message.endswith("and 95 more")
    assert 10 <= len(caught.value.violations) <= 20


async def test_event_outbox_and_request_are_in_one_transaction_with_the_order(
    alice: Platform, pool: asyncpg.Pool
) -> None:
    request_id = str(uuid.uuid4())
    order = await alice.orders.CreateOrder(order_of(("book", 1), request_id=request_id))
    event = await pool.fetchrow("SELECT * FROM bridge.events WHERE stream = $1", order.name)
    assert (event["version"], event["request_id"]) == (1, request_id)
    assert event["method"] == "/causeway.orders.v1.OrderService/CreateOrder"
    assert OrderCreated.FromString(event["data"]).customer == order.customer
    queued = "SELECT topic FROM bridge.outbox WHERE position = $1"
    assert await pool.fetchval(queued, event["position"]) == "causeway.orders.v1"
    transactions = await pool.fetch(
        """
        SELECT xmin::text FROM bridge.events WHERE stream = $1
        UNION SELECT xmin::text FROM orders WHERE id = $2
        UNION SELECT xmin::text FROM bridge.outbox WHERE position = $3
        UNION SELECT xmin::text FROM bridge.requests WHERE request_id = $4 AND resource = $1
        """,
        order.name,
        order.name.removeprefix("orders/"),
        event["position"],
        request_id,
    )
    kept = "SELECT count(*) FROM bridge.requests WHERE request_id = $1 AND resource = $2"
    assert await pool.fetchval(kept, request_id, order.name) == 1
    assert len(transactions) == 1


async def test_duplicates_at_once_make_one_order(alice: Platform, pool: asyncpg.Pool) -> None:
    request = order_of(("book", 1), request_id=str(uuid.uuid4()))
    orders = await asyncio.gather(*(alice.orders.CreateOrder(request) for _ in range(10)))
    assert len({order.name for order in orders}) == 1
    count = "SELECT count(*) FROM bridge.events WHERE request_id = $1"
    assert await pool.fetchval(count, request.request_id) == 1


async def test_a_repeat_answers_with_the_order_as_it_is_now(alice: Platform) -> None:
    request = order_of(("book", 1), request_id=str(uuid.uuid4()))
    first = await alice.orders.CreateOrder(request)
    await alice.orders.CancelOrder(pb.CancelOrderRequest(name=first.name))
    again = await alice.orders.CreateOrder(request)
    assert (again.name, again.state) == (first.name, pb.Order.STATE_CANCELLED)


async def test_a_request_id_with_another_body_is_refused(alice: Platform) -> None:
    request_id = str(uuid.uuid4())
    await alice.orders.CreateOrder(order_of(("book", 1), request_id=request_id))
    with pytest.raises(CallFailed) as caught:
        await alice.orders.CreateOrder(order_of(("book", 2), request_id=request_id))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_of_orders_that_are_placed_at_once_a_wrong_one_fails_alone(alice: Platform) -> None:
    lines = [("book", 1), ("no-such-thing", 1), ("lamp", 1), ("desk", 1)]
    said = await asyncio.gather(
        *(alice.orders.CreateOrder(order_of(line)) for line in lines), return_exceptions=True
    )
    assert [isinstance(answer, CallFailed) for answer in said] == [False, True, False, False]
    placed = [answer for answer in said if isinstance(answer, pb.Order)]
    assert [order.items[0].sku for order in placed] == ["book", "lamp", "desk"]
    for order in placed:
        assert await alice.orders.GetOrder(pb.GetOrderRequest(name=order.name)) == order


async def test_a_new_price_holds_for_the_next_order(alice: Platform, oscar: Platform) -> None:
    product = pb.Product(name=f"products/new-{uuid.uuid4().hex[:8]}")
    for units in (3, 4, 5):
        product.price.CopyFrom(Money(currency_code="EUR", units=units))
        request = pb.UpdateProductRequest(product=product, allow_missing=True)
        await oscar.orders.UpdateProduct(request)
        order = await alice.orders.CreateOrder(
            order_of((product.name.removeprefix("products/"), 1))
        )
        assert order.total.units == units


async def test_two_callers_may_use_the_same_request_id(call_as: As, products: None) -> None:
    request = order_of(("book", 1), request_id=str(uuid.uuid4()))
    callers = [call_as(str(uuid.uuid4())) for _ in range(2)]
    orders = [await caller.orders.CreateOrder(request) for caller in callers]
    assert orders[0].name != orders[1].name


async def test_orders_that_are_placed_at_once_are_each_their_callers_own(
    call_as: As, products: None, pool: asyncpg.Pool
) -> None:
    subjects = [str(uuid.uuid4()) for _ in range(20)]
    orders = await asyncio.gather(
        *(call_as(one).orders.CreateOrder(order_of(("book", 1))) for one in subjects)
    )
    assert [order.customer for order in orders] == [f"users/{one}" for one in subjects]
    actor = "SELECT actor FROM bridge.events WHERE stream = $1"
    assert [await pool.fetchval(actor, order.name) for order in orders] == [
        f"users/{one}" for one in subjects
    ]


async def test_a_request_that_failed_can_be_sent_again(alice: Platform, oscar: Platform) -> None:
    sku = f"new-{uuid.uuid4().hex[:8]}"
    request = order_of((sku, 1), request_id=str(uuid.uuid4()))
    with pytest.raises(CallFailed):
        await alice.orders.CreateOrder(request)
    price = Money(currency_code="EUR", units=1)
    product = pb.Product(name=f"products/{sku}", price=price)
    await oscar.orders.UpdateProduct(pb.UpdateProductRequest(product=product, allow_missing=True))
    assert (await alice.orders.CreateOrder(request)).total == price
