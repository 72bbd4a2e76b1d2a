"""The record on Kafka, byte by byte."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.catalog import Catalog
from bridge.codec import decode, header, headers, wire_prefix
from bridge.wire import split_value
from bridge.errors import Undecodable
from bridge.event import Origin
from bridge.kafka.record import Headers
from causeway.orders.v1 import events_pb2 as orders
from tests.confluent import confluents_reading
from tests.unit.bridge.records import FakeRecord

CATALOG = Catalog.of(orders)
CONFIRMED = CATALOG["causeway.orders.v1.OrderConfirmed"]
TIME = datetime(2026, 11, 23, 18, 44, 57, 123456, tzinfo=UTC)
EVENT_ID = "0198f2f0-7c3b-7d44-9c2e-3f1b2a4c5d6e"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

GOLDEN = [
    (1, (0,), "00 00000001 00"),
    (7, (1,), "00 00000007 02 02"),
    (0x01020304, (2, 0), "00 01020304 04 04 00"),
    (7, (0, 0), "00 00000007 04 00 00"),
    (7, (63,), "00 00000007 02 7e"),
    (7, (64,), "00 00000007 02 8001"),
    (7, (300, 1), "00 00000007 04 d804 02"),
]


@pytest.mark.parametrize(("schema_id", "indexes", "golden"), GOLDEN)
def test_the_prefix_is_confluents(schema_id: int, indexes: tuple[int, ...], golden: str) -> None:
    prefix = bytes.fromhex(golden)
    assert wire_prefix(schema_id, indexes) == prefix
    assert split_value(prefix + b"data") == (schema_id, indexes, b"data")


@pytest.mark.parametrize("name", [one.name for one in CATALOG])
def test_confluents_deserializer_reads_every_type(name: str) -> None:
    one = CATALOG[name]
    message = one.message(order_id="o1")
    value = wire_prefix(7, one.indexes) + message.SerializeToString()
    assert confluents_reading(one.topic, value, one.message) == message


def test_confluents_deserializer_reads_a_nested_type() -> None:
    item = orders.OrderCreated.Item(sku="book", quantity=2)
    value = wire_prefix(7, (0, 0)) + item.SerializeToString()
    assert confluents_reading("t", value, orders.OrderCreated.Item) == item


def written(origin: Origin) -> Headers:
    return headers(EVENT_ID, CONFIRMED, "/causeway/orders", "orders/o1", 3, TIME, 2, origin)


def record(**changes: bytes | None) -> FakeRecord:
    """A good record; `changes` replace headers, None removes one."""
    origin = Origin("users/u1", "", "", "", "c1", "e0", TRACEPARENT)
    found = dict(written(origin)) | changes
    message = orders.OrderConfirmed(order_id="o1")
    return FakeRecord(
        partition=2,
        offset=9,
        value=wire_prefix(7, CONFIRMED.indexes) + message.SerializeToString(),
        headers=[(name, value) for name, value in found.items() if value is not None],
    )


def test_headers_are_cloudevents_in_binary_mode() -> None:
    assert dict(written(Origin("users/u1", "cli", "/m", "r1", "c1", "e0", TRACEPARENT))) == {
        "ce_specversion": b"1.0",
        "ce_id": EVENT_ID.encode(),
        "ce_source": b"/causeway/orders",
        "ce_type": b"causeway.orders.v1.OrderConfirmed",
        "ce_subject": b"orders/o1",
        "ce_time": b"2026-11-23T18:44:57.123456Z",
        "ce_dataschema": (
            b"/subjects/causeway.orders.v1-causeway.orders.v1.OrderConfirmed/versions/2"
        ),
        "content-type": b"application/protobuf",
        "ce_sequence": b"3",
        "ce_correlationid": b"c1",
        "ce_causationid": b"e0",
        "ce_actor": b"users/u1",
        "traceparent": TRACEPARENT.encode(),
    }


def test_what_is_unknown_has_no_header() -> None:
    assert {"ce_causationid", "ce_actor", "traceparent"}.isdisjoint(dict(written(Origin())))


def test_a_record_is_read_as_the_event_that_was_written() -> None:
    event = decode(record(), CATALOG)
    assert (event.id, event.stream, event.version) == (EVENT_ID, "orders/o1", 3)
    assert (event.key, event.time) == ("o1", TIME)
    assert event.message == orders.OrderConfirmed(order_id="o1")
    assert event.origin == Origin("users/u1", "", "", "", "c1", "e0", TRACEPARENT)
    assert (event.topic, event.partition, event.offset) == ("causeway.orders.v1", 2, 9)


@pytest.mark.parametrize(
    "broken",
    [
        record(ce_id=None),
        record(ce_id=b"no uuid"),
        record(ce_type=None),
        record(ce_type=b"causeway.orders.v1.Unheard"),
        record(ce_type=b"causeway.orders.v1.OrderShipped"),
        record(ce_type=b"\xff"),
        record(ce_subject=None),
        record(ce_sequence=b"three"),
        record(ce_time=b"yesterday"),
        FakeRecord(value=None, headers=record().headers),
        FakeRecord(value=b"", headers=record().headers),
        FakeRecord(value=b"\x01\0\0\0\x07\0", headers=record().headers),
        FakeRecord(value=b"\0\0\0\0\x07\xff", headers=record().headers),
        FakeRecord(value=b"\0\0\0\0\x07\x01\x00", headers=record().headers),
        FakeRecord(value=wire_prefix(7, CONFIRMED.indexes) + b"\xff", headers=record().headers),
    ],
)
def test_a_broken_record_is_undecodable(broken: FakeRecord) -> None:
    with pytest.raises(Undecodable):
        decode(broken, CATALOG)


def test_a_header_is_read_without_the_rest() -> None:
    assert header(record().headers, "ce_id") == EVENT_ID
    assert header([], "ce_id") == ""


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_subject", "ce_source", "ce_time"])
def test_a_header_with_a_null_value_is_a_missing_one(name: str) -> None:
    found: list[tuple[str, bytes | None]] = [*record(**{name: None}).headers, (name, None)]
    assert header(found, name) == ""
    with pytest.raises(Undecodable):
        decode(replace(record(), headers=found), CATALOG)


def test_a_null_where_a_header_may_be_missing_is_no_error() -> None:
    found: list[tuple[str, bytes | None]] = [*record(ce_actor=None).headers, ("ce_actor", None)]
    assert decode(replace(record(), headers=found), CATALOG).origin.actor == ""
