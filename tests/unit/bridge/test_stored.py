"""Parked records: what a row holds of a record, whatever the record is made of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.parking.stored import LONGEST_KEY, columns, key_text, stored
from tests.unit.bridge.records import FakeRecord

NAMES = (
    "key",
    "event_id",
    "type",
    "topic",
    "partition",
    "record_offset",
    "record_key",
    "value",
    "headers",
)
BYTES = st.none() | st.binary()


@given(BYTES, BYTES, st.lists(st.tuples(st.text(), BYTES)))
def test_a_record_comes_back_as_it_was(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    record = FakeRecord("t", 2, 7, key, value, headers)
    row = dict(zip(NAMES, columns(record), strict=True))
    back = stored(row)
    assert (back.topic, back.partition, back.offset) == ("t", 2, 7)
    assert (back.key, back.value, list(back.headers)) == (key, value, headers)
    # PostgreSQL's text and jsonb hold everything but this one.
    assert "\0" not in (row["key"] or "") + row["type"]
    assert "\\u0000" not in row["headers"].replace("\\\\", "")


@given(st.text(min_size=1, max_size=LONGEST_KEY).filter(lambda text: "\0" not in text))
def test_a_key_that_is_text_is_named_as_it_is(text: str) -> None:
    assert key_text(text.encode()) == text


@pytest.mark.parametrize("key", [None, b""])
def test_a_record_without_a_key_has_none(key: bytes | None) -> None:
    assert columns(FakeRecord(key=key))[0] is None


def test_long_keys_that_begin_alike_stay_apart_and_fit_an_index() -> None:
    one, other = key_text(b"x" * 5000 + b"1"), key_text(b"x" * 5000 + b"2")
    assert one != other
    assert len(one) == len(other) == LONGEST_KEY


def test_an_event_id_is_read_of_a_record_that_is_otherwise_broken() -> None:
    broken = FakeRecord(value=b"?", headers=[("ce_id", b"0190B2F0-0000-7000-8000-000000000001")])
    row = dict(zip(NAMES, columns(broken), strict=True))
    assert row["event_id"] == "0190b2f0-0000-7000-8000-000000000001"
    assert json.loads(row["headers"])[0][0] == "ce_id"
    assert columns(FakeRecord(headers=[("ce_id", b"no uuid")]))[1] is None
