"""Texts that no column takes."""

import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from bridge.events.texts import field_with_nul

BAD, GOOD = Value(string_value="a\0"), Value(string_value="a")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (BAD, "string_value"),
        (ListValue(values=[GOOD, BAD]), "values"),
        (Struct(fields={"a": BAD}), "fields"),
        (Struct(fields={"\0": GOOD}), "fields"),
        (Value(struct_value=Struct(fields={"a": BAD})), "struct_value"),
        (Value(list_value=ListValue(values=[GOOD])), ""),
        (Struct(fields={"a": GOOD}), ""),
        (Value(number_value=0), ""),
    ],
)
def test_a_field_whose_text_holds_nul_is_found_wherever_it_is(message: Message, field: str) -> None:
    assert field_with_nul(message) == field
