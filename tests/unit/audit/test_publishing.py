"""What was typed at `causeway events publish`, as an event."""

import pytest

from causeway.bridge.v1.event_pb2 import Event
from causeway.inventory.v1.events_pb2 import StockAdjusted
from stack.audit.event_text import event_text
from stack.audit.publishing import event_of
from stack.errors import StackError


def test_a_short_name_and_json_are_an_event_with_an_id_of_its_own() -> None:
    data = '{"sku": "book", "delta": 5}'
    first, second = (event_of("StockAdjusted", data, "/till", "") for _ in range(2))
    message = StockAdjusted()
    assert first.data.Unpack(message)
    assert (message.sku, message.delta) == ("book", 5)
    assert (first.type, first.source) == ("causeway.inventory.v1.StockAdjusted", "/till")
    assert first.name != second.name


def test_an_id_that_was_typed_is_kept() -> None:
    assert event_of("StockAdjusted", "{}", "/till", "receipt-1").name == "events/receipt-1"


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        ("StockAdjust", "{}", "StockAdjusted"),
        ("a.b.Other", "{}", "there is no event"),
        ("StockAdjusted", "{", "is no causeway.inventory.v1.StockAdjusted"),
        ("StockAdjusted", '{"pieces": 5}', "pieces"),
    ],
)
def test_what_is_no_event_is_a_usage_error_that_says_why(type_: str, data: str, said: str) -> None:
    with pytest.raises(StackError) as failed:
        event_of(type_, data, "/till", "")
    assert said in str(failed.value)
    assert failed.value.usage


@pytest.mark.parametrize(
    ("causation", "said"),
    [("", "a request"), ("e-0", "events/e-0"), ("/till/7#receipt-1", "receipt-1 of /till/7")],
)
def test_what_caused_an_event_is_told_also_where_it_is_one_outside(
    causation: str, said: str
) -> None:
    lines = event_text(Event(causation=causation)).splitlines()
    assert f"caused by    {said}" in lines
