"""What an event from outside must be, before anything is stored."""

from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from bridge.api.publishable import Publishable
from bridge.errors import InvalidArgument, PermissionDenied
from bridge.events.catalog import Catalog
from bridge.events.event import Origin
from bridge.events.schema import SchemaId
from bridge.server.call import Caller
from bridge.store.offer import Offer
from causeway.bridge.v1 import event_pb2
from causeway.inventory.v1 import events_pb2 as inventory
from causeway.orders.v1 import events_pb2 as orders
from tests.integration.api.publishing import STOCK, adjusted, packed

OWN = Catalog.of(inventory)
TAKEN = Publishable(OWN, Catalog.of(inventory, orders), {STOCK: SchemaId(7, 1)})
PAUL = Caller("paul", "causeway-cli", frozenset({"publisher"}), 0.0, "paul")


def offered(event: event_pb2.Event, caller: Caller = PAUL, origin: Origin = Origin()) -> Offer:  # noqa: B008
    return TAKEN.offer(event, caller, origin)


def with_time(seconds: int) -> event_pb2.Event:
    event = adjusted("book", 1)
    event.time.CopyFrom(Timestamp(seconds=seconds))
    return event


def changed(**fields: Any) -> event_pb2.Event:
    event = adjusted("book", 1)
    for name, value in fields.items():
        if isinstance(value, AnyMessage):
            event.data.CopyFrom(value)
        else:
            setattr(event, name, value)
    return event


UNKNOWN = AnyMessage(type_url=f"type.googleapis.com/{STOCK}", value=b"\x0a\x01a\xf8\x07\x01")
NO_BYTES = AnyMessage(type_url=f"type.googleapis.com/{STOCK}", value=b"\xff")


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (changed(source=""), "event.source"),
        (changed(source="warehouse"), "event.source"),
        (changed(source="/causeway/orders"), "event.source"),
        (changed(source="/Causeway"), "event.source"),
        (changed(source="/a b"), "event.source"),
        (changed(name="receipt"), "event.name"),
        (changed(name="events/Receipt#1"), "event.name"),
        (changed(key="lamp"), "event.key"),
        (changed(subject="orders/book"), "event.subject"),
        (changed(data=packed(orders.OrderConfirmed(order_id="o1"))), "event.data"),
        (changed(data=AnyMessage()), "event.data"),
        (changed(data=NO_BYTES), "event.data"),
        (changed(data=UNKNOWN), "event.data"),
        (changed(data=packed(inventory.StockAdjusted(sku="no blank", delta=1))), "event.data.sku"),
        (
            changed(data=packed(inventory.StockAdjusted(sku="book", delta=10**12))),
            "event.data.delta",
        ),
        (changed(data=packed(inventory.StockAdjusted(sku="book"))), "event.data.delta"),
        (
            changed(data=packed(inventory.StockAdjusted(sku="book", delta=1, reason="a\0b"))),
            "event.data.reason",
        ),
        (with_time(0), "event.time"),
        (with_time(4_102_444_800), "event.time"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(event: event_pb2.Event, field: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{field}") as failed:
        offered(event)
    assert field in [violation.field for violation in failed.value.violations]


def test_an_unknown_type_is_told_which_there_are() -> None:
    with pytest.raises(InvalidArgument, match=STOCK) as failed:
        offered(changed(type="causeway.inventory.v1.Nothing"))
    assert failed.value.reason == "UNKNOWN_EVENT_TYPE"


def test_the_type_may_be_left_to_the_data() -> None:
    assert offered(changed(type="")).type.name == STOCK


def test_an_event_of_a_service_is_nobodys_to_publish() -> None:
    forged = changed(type="causeway.orders.v1.OrderConfirmed")
    forged.data.Pack(orders.OrderConfirmed(order_id="o1"))
    everything = Caller("root", "causeway-cli", frozenset({"admin", "publisher"}), 0.0, "root")
    with pytest.raises(PermissionDenied) as failed:
        offered(forged, everything)
    assert failed.value.reason == "NOT_PUBLISHABLE"


def test_who_has_none_of_the_types_roles_is_told_which() -> None:
    stranger = Caller("a", "causeway-cli", frozenset({"customer"}), 0.0, "alice")
    with pytest.raises(PermissionDenied, match="publisher") as failed:
        offered(adjusted("book", 1), stranger)
    assert failed.value.reason == "ROLE_MISSING"


def test_an_event_without_a_correlation_begins_its_own() -> None:
    offer = offered(adjusted("book", 1, name="events/1"))
    assert offer.origin.correlation_id == offer.event_id
    of_a_call = offered(adjusted("book", 1, name="events/1"), origin=Origin(correlation_id="c-1"))
    assert of_a_call.origin.correlation_id == "c-1"
    assert of_a_call.event_id == offer.event_id


def test_a_field_that_is_only_the_servers_is_passed_over() -> None:
    event = adjusted("book", 1, name="events/1")
    event.sequence, event.topic, event.causation = 99, "causeway.orders.v1", "x"
    assert offered(event).origin.causation_id == "/warehouse/berlin#1"
    assert offered(event).type.topic == "causeway.inventory.v1"
