"""A parked record is told whatever its headers say."""

import pytest

from bridge.api.dead_letter_resource import event_of
from bridge.parking.stored import StoredRecord, columns

COLUMNS = (
    "key", "event_id", "type", "topic", "partition", "record_offset", "record_key", "value",
    "headers",
)  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [
    ("ce_time", b"0001-01-01T00:00:00+01:00"), ("ce_time", b"yesterday"),
    ("ce_sequence", b"9223372036854775808"), ("ce_sequence", b"1" * 5000), ("ce_sequence", b"-"),
])  # fmt: skip
def test_a_header_that_says_nothing_is_left_out(name: str, value: bytes) -> None:
    record = StoredRecord("shop", 1, 2, b"k", b"", [(name, value), ("ce_source", b"/shop")])
    event = event_of(dict(zip(COLUMNS, columns(record), strict=True)))
    assert (event.source, event.topic, event.key) == ("/shop", "shop", "k")
    assert (event.sequence, event.time.nanos) == (0, 0)
