"""Reads an UpdateProductRequest: which fields it means to change (AIP-134, AIP-161)."""

from bridge.errors import FieldViolation, InvalidArgument
from bridge.field_mask import paths_of
from causeway.orders.v1.order_service_pb2 import Product, UpdateProductRequest
from services.orders.money import to_nanos
from services.orders.price_list import ProductChange
from services.orders.product_table import Price

MUTABLE = ("display_name", "price")


def product_change(request: UpdateProductRequest) -> ProductChange:
    """What to change. No mask takes the fields that are set, `*` takes all; a product that is
    made takes all that is given, whatever the mask says. InvalidArgument: a path that is no
    field, or a price that would be taken away."""
    product = request.product
    paths = paths_of(request.update_mask, product, MUTABLE)
    if "price" in paths and not product.HasField("price"):
        raise _violation("product.price", "a product can't be without a price")
    given = _price(product) if product.HasField("price") else None
    return ProductChange(
        sku=product.name.removeprefix("products/"),
        display_name=product.display_name if "display_name" in paths else None,
        price=given if "price" in paths else None,
        first_display_name=product.display_name,
        first_price=given,
        etag=product.etag,
        allow_missing=request.allow_missing,
    )


def _price(product: Product) -> Price:
    return Price(product.price.currency_code, to_nanos(product.price))


def _violation(field: str, text: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {text}", violations=(FieldViolation(field, text),))
