"""Changes of the price list, each one transaction."""

from dataclasses import dataclass

import asyncpg

from bridge.database import acquire
from bridge.errors import FieldViolation, Internal, InvalidArgument, not_found
from bridge.etags import check_etag
from bridge.store.repeats import Repeats
from services.orders import product_table
from services.orders.product_table import Price, Product


@dataclass(frozen=True, slots=True)
class ProductChange:
    """What a product shall be; None leaves a field as it is. The `first_…` are for a product
    that is not there yet and may be made."""

    sku: str
    display_name: str | None
    price: Price | None
    first_display_name: str
    first_price: Price | None
    etag: str
    allow_missing: bool


class PriceList:
    """Changes products, and makes them where a change allows it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def update(self, change: ProductChange, repeats: Repeats) -> Product:
        """The product after the change; one that changes nothing leaves its etag."""
        async with acquire(self._pool) as connection, connection.transaction():
            if await repeats.claim(connection) is None:
                await product_table.lock(connection, change.sku)
                await _apply(connection, change)
                await repeats.settle(connection, f"products/{change.sku}")
            product = await product_table.find(connection, change.sku)
            if product is None:
                raise Internal(f"products/{change.sku} was written and is not there")
            return product


async def _apply(connection: asyncpg.Connection, change: ProductChange) -> None:
    present = await product_table.find(connection, change.sku)
    check_etag(change.etag, f"products/{change.sku}", present.version if present else 0)
    if present is None:
        await _make(connection, change)
        return
    display_name, price = present.display_name, change.price or present.price
    if change.display_name is not None:
        display_name = change.display_name
    if (display_name, price) != (present.display_name, present.price):
        version = present.version + 1
        await product_table.save(connection, change.sku, display_name, price, version)


async def _make(connection: asyncpg.Connection, change: ProductChange) -> None:
    if not change.allow_missing:
        raise not_found(f"products/{change.sku}")
    if change.first_price is None:
        wrong = FieldViolation("product.price", "a new product needs a price")
        raise InvalidArgument(wrong.description, violations=(wrong,))
    await product_table.save(
        connection, change.sku, change.first_display_name, change.first_price, 1
    )
