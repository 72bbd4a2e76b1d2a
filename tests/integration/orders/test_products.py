import asyncio
import uuid

import asyncpg
import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.money_pb2 import Money

from bridge.events.event import Origin
from bridge.handling import Handling
from causeway.inventory.v1.events_pb2 import StockAdjusted
from causeway.orders.v1 import order_service_pb2 as pb
from client.errors import CallFailed
from client.platform import Platform
from services.orders.handlers import STOCK
from tests.integration.orders.credit import event_of

FIVE = Money(currency_code="EUR", units=5)


@pytest.fixture
def name() -> str:
    return f"products/p-{uuid.uuid4().hex[:12]}"


def update(name: str, *mask: str, **fields: object) -> pb.UpdateProductRequest:
    allow = bool(fields.pop("allow_missing", False))
    product = pb.Product(name=name, **fields)  # type: ignore[arg-type]
    paths = FieldMask(paths=mask) if mask else None
    return pb.UpdateProductRequest(product=product, update_mask=paths, allow_missing=allow)


async def make(oscar: Platform, name: str) -> pb.Product:
    return await oscar.orders.UpdateProduct(
        update(name, display_name="Five", price=FIVE, allow_missing=True)
    )


async def adjust(pool: asyncpg.Pool, name: str, *deltas: int) -> None:
    """As the stock's consumer does, one event after another."""
    for delta in deltas:
        event = event_of(StockAdjusted(sku=name.removeprefix("products/"), delta=delta))
        async with pool.acquire() as connection, connection.transaction():
            await STOCK[StockAdjusted](Handling(event, connection, Origin()))


async def code_of(oscar: Platform, request: pb.UpdateProductRequest) -> grpc.StatusCode:
    with pytest.raises(CallFailed) as caught:
        await oscar.orders.UpdateProduct(request)
    return caught.value.code


async def test_a_product_is_made_where_that_is_allowed(oscar: Platform, name: str) -> None:
    missing = update(name, price=FIVE)
    assert await code_of(oscar, missing) is grpc.StatusCode.NOT_FOUND
    product = await make(oscar, name)
    assert (product.name, product.display_name, product.price) == (name, "Five", FIVE)
    assert (product.etag, product.stock) == ("1", 0)


async def test_making_it_again_as_it_is_changes_nothing(oscar: Platform, name: str) -> None:
    first = await make(oscar, name)
    assert await make(oscar, name) == first


async def test_a_product_that_is_made_takes_all_that_is_given(oscar: Platform, name: str) -> None:
    request = update(name, "display_name", display_name="X", price=FIVE, allow_missing=True)
    assert (await oscar.orders.UpdateProduct(request)).price == FIVE


async def test_a_new_product_needs_a_price(oscar: Platform, name: str) -> None:
    request = update(name, display_name="X", allow_missing=True)
    assert await code_of(oscar, request) is grpc.StatusCode.INVALID_ARGUMENT


async def test_only_masked_fields_change(oscar: Platform, name: str) -> None:
    await make(oscar, name)
    six = Money(currency_code="EUR", units=6)
    request = update(name, "price", display_name="Other", price=six)
    product = await oscar.orders.UpdateProduct(request)
    assert (product.display_name, product.price, product.etag) == ("Five", six, "2")


async def test_a_mask_can_clear_the_name_but_not_the_price(oscar: Platform, name: str) -> None:
    await make(oscar, name)
    cleared = await oscar.orders.UpdateProduct(update(name, "display_name"))
    assert cleared.display_name == ""
    assert await code_of(oscar, update(name, "price")) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(oscar, update(name, "stock")) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stale_etag_is_aborted(oscar: Platform, name: str) -> None:
    await make(oscar, name)
    request = update(name, display_name="X", etag="7")
    assert await code_of(oscar, request) is grpc.StatusCode.ABORTED


async def test_a_text_that_the_database_can_not_hold_is_the_callers_fault(
    oscar: Platform, name: str
) -> None:
    request = update(name, display_name="a\0b", price=FIVE, allow_missing=True)
    assert await code_of(oscar, request) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_customer_may_look_and_not_change(alice: Platform, name: str) -> None:
    with pytest.raises(CallFailed, match="needs the role operator"):
        await make(alice, name)
    page = await alice.orders.ListProducts(pb.ListProductsRequest())
    assert "products/book" in [product.name for product in page.products]


async def test_stock_counts_also_before_the_product_is_listed(
    oscar: Platform, pool: asyncpg.Pool, name: str
) -> None:
    await adjust(pool, name, 10, -3)
    assert (await make(oscar, name)).stock == 7


async def test_stock_may_be_negative(oscar: Platform, pool: asyncpg.Pool, name: str) -> None:
    await make(oscar, name)
    await adjust(pool, name, 2, -5)
    assert (await make(oscar, name)).stock == -3


async def test_a_change_sent_twice_with_one_request_id_is_one(oscar: Platform, name: str) -> None:
    await make(oscar, name)
    request = update(name, display_name="Six")
    request.request_id = str(uuid.uuid4())
    answers = await asyncio.gather(*(oscar.orders.UpdateProduct(request) for _ in range(5)))
    assert {answer.etag for answer in answers} == {"2"}
    later = await oscar.orders.UpdateProduct(update(name, display_name="Seven"))
    assert await oscar.orders.UpdateProduct(request) == later, "a repeat shows what is now"
    request.product.display_name = "Eight"
    assert await code_of(oscar, request) is grpc.StatusCode.FAILED_PRECONDITION


async def test_pages_of_products_follow_each_other(oscar: Platform, products: None) -> None:
    request, names = pb.ListProductsRequest(page_size=2), []
    while True:
        page = await oscar.orders.ListProducts(request)
        names += [product.name for product in page.products]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == sorted(set(names))
    assert {"products/book", "products/desk", "products/gum", "products/lamp"} <= set(names)
