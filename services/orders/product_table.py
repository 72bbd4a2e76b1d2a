"""The price list, and the stock beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.orders.sql import query


@dataclass(frozen=True, slots=True)
class Price:
    """What one piece costs: nanos of a currency."""

    currency: str
    nanos: int


@dataclass(frozen=True, slots=True)
class Product:
    """A line of the price list at its `version` (1, 2, …), with the pieces in stock."""

    sku: str
    display_name: str
    price: Price
    version: int
    stock: int
    update_time: datetime

    @property
    def name(self) -> str:
        """Its resource name, `products/{sku}`."""
        return f"products/{self.sku}"


async def prices(connection: asyncpg.Connection, skus: Sequence[str]) -> Mapping[str, Price]:
    """The prices of those that are listed."""
    rows = await connection.fetch(query("products_priced"), skus)
    return {row["sku"]: Price(row["currency"], row["price"]) for row in rows}


async def find(connection: asyncpg.Connection, sku: str) -> Product | None:
    """The product, or None."""
    row = await connection.fetchrow(query("product_get"), sku)
    return None if row is None else _product(row)


async def lock(connection: asyncpg.Connection, sku: str) -> None:
    """Hold the product, listed or not, until the end of the transaction."""
    await connection.execute(query("product_lock"), sku)


async def save(
    connection: asyncpg.Connection, sku: str, display_name: str, price: Price, version: int
) -> None:
    """Write a product that is locked."""
    await connection.execute(
        query("product_save"), sku, display_name, price.currency, price.nanos, version
    )


async def page(connection: asyncpg.Connection, after: str | None, limit: int) -> Sequence[Product]:
    """At most `limit` products whose sku comes after `after`."""
    rows = await connection.fetch(query("products_page"), after, limit)
    return [_product(row) for row in rows]


async def adjust_stock(connection: asyncpg.Connection, sku: str, pieces: int) -> None:
    """Count pieces in (positive) or out (negative)."""
    await connection.execute(query("stock_adjust"), sku, pieces)


def _product(row: asyncpg.Record) -> Product:
    return Product(
        sku=row["sku"],
        display_name=row["display_name"],
        price=Price(row["currency"], row["price"]),
        version=row["version"],
        stock=row["stock"],
        update_time=row["update_time"],
    )
