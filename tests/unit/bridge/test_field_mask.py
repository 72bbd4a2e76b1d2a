"""A mask says what an update changes (AIP-134)."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bridge.errors import InvalidArgument
from bridge.field_mask import paths_of
from causeway.orders.v1.order_service_pb2 import Product

WRITABLE = ("display_name", "price")
NAMED = Product(name="products/1", display_name="Pen", etag="4")


@pytest.mark.parametrize(
    ("mask", "resource", "wanted"),
    [
        ((), NAMED, {"display_name"}),
        ((), Product(name="products/1"), set()),
        (("price",), NAMED, {"price"}),
        (("price", "display_name", "price"), NAMED, {"price", "display_name"}),
        (("*",), Product(), {"price", "display_name"}),
        (("*", "price"), Product(), {"price", "display_name"}),
    ],
    ids=["none", "none, and nothing set", "one", "twice the same", "all", "all and one"],
)
def test_a_mask_takes_what_it_names_and_none_takes_what_is_set(
    mask: tuple[str, ...], resource: Product, wanted: set[str]
) -> None:
    assert paths_of(FieldMask(paths=mask), resource, WRITABLE) == wanted


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        (("colour",), "colour"),
        (("name",), "name"),
        (("",), ""),
        (("price.units",), "price.units"),
        (("display_name", "z", "a"), "a"),
        (("*", "etag"), "etag"),
    ],
    ids=["unknown", "not writable", "empty", "part of a field", "the first of two", "beside all"],
)
def test_a_path_that_can_not_be_written_is_named_with_what_there_is(
    mask: tuple[str, ...], named: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        paths_of(FieldMask(paths=mask), NAMED, WRITABLE)
    text = f"{named} is not one of display_name, price or *"
    assert str(refused.value) == f"update_mask: {text}"
    (violation,) = refused.value.violations
    assert (violation.field, violation.description) == ("update_mask", text)
