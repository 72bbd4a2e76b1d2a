"""The record on Kafka: its headers, and what it is read as."""

import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.errors import Undecodable
from bridge.events import codec
from bridge.events.catalog import Catalog
from bridge.events.codec import decode, header, headers
from bridge.events.event import Origin
from bridge.events.upcasting import Upcaster, Upcasters
from bridge.events.wire import wire_prefix
from bridge.kafka.record import Headers
from causeway.orders.v1 import events_pb2 as orders
from tests.unit.bridge.records import FakeRecord

CATALOG = Catalog.of(orders)
CONFIRMED = CATALOG["causeway.orders.v1.OrderConfirmed"]
TIME = datetime(2026, 11, 23, 18, 44, 57, 123456, tzinfo=UTC)
EVENT_ID = "0198f2f0-7c3b-7d44-9c2e-3f1b2a4c5d6e"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

SEQUENCE = "its header ce_sequence is no version of a stream: 1, 2, …"


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


def test_a_publisher_with_ever_new_sources_takes_no_memory() -> None:
    for number in range(2000):
        codec._of_schema(f"/devices/{number}", "a.B", "b", 1)
    assert codec._of_schema.cache_info().currsize <= 1024


def test_a_record_is_read_as_the_event_that_was_written() -> None:
    event = decode(record(), CATALOG)
    assert (event.id, event.stream, event.version) == (EVENT_ID, "orders/o1", 3)
    assert (event.key, event.time) == ("o1", TIME)
    assert event.message == orders.OrderConfirmed(order_id="o1")
    assert event.origin == Origin("users/u1", "", "", "", "c1", "e0", TRACEPARENT)
    assert (event.topic, event.partition, event.offset) == ("causeway.orders.v1", 2, 9)


BROKEN: list[tuple[FakeRecord, str, str]] = [
    (record(ce_id=None), "UNDECODABLE", "it has no header ce_id"),
    (record(ce_id=b"no uuid"), "UNDECODABLE", "its header ce_id is no UUID"),
    (record(ce_type=None), "UNDECODABLE", "it has no header ce_type"),
    (record(ce_type=b"a.Stranger"), "UNKNOWN_TYPE", "this process does not know its type"),
    (
        record(ce_type=b"causeway.orders.v1.OrderShipped"),
        "UNDECODABLE",
        "its value is the message at [1] of its file, its type is at [4]",
    ),
    (record(ce_type=b"\xff"), "UNDECODABLE", "a header or its key is not UTF-8"),
    (record(ce_actor=b"\xff"), "UNDECODABLE", "a header or its key is not UTF-8"),
    (record(ce_subject=None), "UNDECODABLE", "it has no header ce_subject"),
    (record(ce_source=None), "UNDECODABLE", "it has no header ce_source"),
    (record(ce_sequence=b"three"), "UNDECODABLE", SEQUENCE),
    (record(ce_sequence=b"0"), "UNDECODABLE", SEQUENCE),
    (record(ce_sequence=b"-1"), "UNDECODABLE", SEQUENCE),
    (record(ce_sequence=b"1_0"), "UNDECODABLE", SEQUENCE),
    (record(ce_sequence=b"9223372036854775808"), "UNDECODABLE", SEQUENCE),
    (record(ce_sequence=b"1" * 5000), "UNDECODABLE", SEQUENCE),
    (
        record(ce_time=b"0001-01-01T00:00:00+01:00"),
        "UNDECODABLE",
        "its header ce_time is no time",
    ),
    (record(ce_time=b"yesterday"), "UNDECODABLE", "its header ce_time is no time"),
    (
        record(ce_time=b"2026-11-23T18:44:57"),
        "UNDECODABLE",
        "its header ce_time names no time zone",
    ),
    (replace(record(), key=b"\xff"), "UNDECODABLE", "a header or its key is not UTF-8"),
    (replace(record(), value=None), "UNDECODABLE", "it has no value"),
    (
        replace(record(), value=b"\x01\0\0\0\x07\0"),
        "UNDECODABLE",
        "its value is not in the schema registry's wire format",
    ),
    (
        replace(record(), value=wire_prefix(7, CONFIRMED.indexes) + b"\xff"),
        "UNDECODABLE",
        "its bytes are no causeway.orders.v1.OrderConfirmed",
    ),
]


@pytest.mark.parametrize(("broken", "reason", "text"), BROKEN)
def test_a_broken_record_is_undecodable_and_says_where_and_why(
    broken: FakeRecord, reason: str, text: str
) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(broken, CATALOG)
    assert refused.value.reason == reason
    assert refused.value.message == f"record causeway.orders.v1/2/9: {text}"


@pytest.mark.parametrize(("broken", "reason", "text"), BROKEN)
def test_what_a_record_holds_is_in_no_error(broken: FakeRecord, reason: str, text: str) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(broken, CATALOG)
    shown = "".join(traceback.format_exception(refused.value))
    assert "During handling" not in shown
    for value in ("no uuid", "yesterday", "a.Stranger", "three"):
        assert value not in shown


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


def test_a_time_of_another_zone_is_read_in_utc() -> None:
    event = decode(record(ce_time=b"2026-11-23T20:44:57.123456+02:00"), CATALOG)
    assert (event.time, event.time.tzinfo) == (TIME, UTC)


def test_a_time_is_written_in_utc_with_all_its_digits() -> None:
    zone = timezone(timedelta(hours=2))
    for time in (TIME, TIME.astimezone(zone)):
        said = dict(
            headers(EVENT_ID, CONFIRMED, "/causeway/orders", "orders/o1", 3, time, 2, Origin())
        )
        assert said["ce_time"] == b"2026-11-23T18:44:57.123456Z"
    even = TIME.replace(microsecond=0)
    said = dict(headers(EVENT_ID, CONFIRMED, "/causeway/orders", "orders/o1", 3, even, 2, Origin()))
    assert said["ce_time"] == b"2026-11-23T18:44:57.000000Z"


UPCAST = Upcasters(
    {
        orders.OrderConfirmed: Upcaster(
            orders.OrderShipped, lambda old: orders.OrderShipped(order_id=old.order_id)
        )
    }
)


def test_a_record_is_read_as_what_its_upcaster_makes_of_it() -> None:
    event = decode(record(), Catalog.of(orders, upcasters=UPCAST))
    assert event.type == "causeway.orders.v1.OrderShipped"
    assert event.message == orders.OrderShipped(order_id="o1")


def test_an_upcaster_that_fails_makes_a_record_undecodable_without_its_words() -> None:
    def fails(old: orders.OrderConfirmed) -> orders.OrderShipped:
        raise ValueError(f"the order is {old.order_id}")

    step = Upcaster(orders.OrderShipped, fails)
    catalog = Catalog.of(orders, upcasters=Upcasters({orders.OrderConfirmed: step}))
    with pytest.raises(Undecodable) as refused:
        decode(record(), catalog)
    assert refused.value.reason == "UPCASTER_FAILED"
    shown = "".join(traceback.format_exception(refused.value))
    assert "the order is" not in shown
