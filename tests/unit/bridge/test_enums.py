"""Numbers of enums that this code does not know, wherever they stand in an event."""

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from bridge.errors import InvalidArgument, Undecodable
from bridge.events.codec import decode, headers
from bridge.events.enums import search_of, unknown_enum
from bridge.events.event import Origin
from bridge.events.schema import SchemaId
from bridge.events.wire import wire_prefix
from bridge.store.event_store import EventStore
from bridge.store.rows import events_of
from causeway.orders.v1 import events_pb2 as orders
from tests.event_protos import Protos, protos
from tests.unit.bridge.records import FakeRecord
from tests.unit.bridge.test_codec import EVENT_ID, TIME

PATH = "causeway/lamps/v1/events.proto"
LIT = "causeway.lamps.v1.LampLit"
EVENTS = """
syntax = "proto3";
package causeway.lamps.v1;
import "causeway/options/v1/options.proto";
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; %s }
message LampLit {
  option (causeway.options.v1.event) = { topic: "lamps" key: "id" stream: "lamps" };
  message Part { Colour colour = 1; Part inner = 2; }
  string id = 1;
  Colour colour = 2;
  repeated Colour colours = 3;
  repeated Part parts = 4;
  map<string, Colour> named = 5;
  map<string, Part> held = 6;
  oneof choice { Colour chosen = 7; Part part = 8; }
}
"""
OLD = protos({PATH: EVENTS % ""})
NEW = protos({PATH: EVENTS % "COLOUR_BLUE = 2;"})
RED, BLUE = 1, 2


def lit(among: Protos, colour: int, field: str) -> Message:
    shapes: dict[str, Any] = {
        "colour": {"colour": colour},
        "colours[]": {"colours": [RED, colour]},
        "parts[].colour": {"parts": [{"colour": RED}, {"colour": colour}]},
        "parts[].inner.colour": {"parts": [{"inner": {"colour": colour}}]},
        "named[…]": {"named": {"mail of zoë": colour}},
        "held[…].colour": {"held": {"mail of zoë": {"colour": colour}}},
        "chosen": {"chosen": colour},
        "part.colour": {"part": {"colour": colour}},
    }
    return among.make(LIT, id="l1", **shapes[field])


FIELDS = [
    "colour",
    "colours[]",
    "parts[].colour",
    "parts[].inner.colour",
    "named[…]",
    "held[…].colour",
    "chosen",
    "part.colour",
]


def read_by_old(message: Message) -> Message:
    return OLD.message(LIT).FromString(message.SerializeToString())


@pytest.mark.parametrize("field", FIELDS)
def test_an_old_reader_finds_the_number_that_only_a_new_writer_knows(field: str) -> None:
    assert unknown_enum(read_by_old(lit(NEW, BLUE, field))) == field
    assert unknown_enum(read_by_old(lit(NEW, RED, field))) == ""
    assert unknown_enum(lit(NEW, BLUE, field)) == ""


def test_a_field_that_is_not_set_is_no_unknown_number() -> None:
    assert unknown_enum(OLD.make(LIT, id="l1")) == ""


def test_a_type_without_enums_is_not_searched() -> None:
    assert search_of(orders.OrderCreated.DESCRIPTOR) is None


def record(message: Message) -> FakeRecord:
    event_type = OLD.catalog()[LIT]
    said = headers(EVENT_ID, event_type, "/causeway/lamps", "lamps/l1", 1, TIME, 1, Origin())
    return FakeRecord(
        value=wire_prefix(1, event_type.indexes) + message.SerializeToString(), headers=said
    )


def test_a_record_with_an_unknown_number_is_undecodable_and_never_a_default() -> None:
    with pytest.raises(Undecodable) as refused:
        decode(record(lit(NEW, BLUE, "held[…].colour")), OLD.catalog())
    assert refused.value.reason == "UNKNOWN_ENUM_NUMBER"
    assert refused.value.message == (
        "record causeway.orders.v1/0/0: held[…].colour of causeway.lamps.v1.LampLit holds a "
        "number that its enum does not name here"
    )


def test_a_record_with_a_known_number_is_read() -> None:
    event = decode(record(lit(NEW, RED, "colour")), OLD.catalog())
    assert event.message == lit(OLD, RED, "colour")


def test_a_stored_event_with_an_unknown_number_is_undecodable_too() -> None:
    data = lit(NEW, BLUE, "colour").SerializeToString()
    row = (1, "lamps/l1", 1, LIT, UUID(EVENT_ID), data, TIME, *[""] * 7)
    with pytest.raises(Undecodable, match=r"colour of .*LampLit holds a number"):
        events_of([row], OLD.catalog(), "/causeway/lamps")
    [event] = events_of([row], NEW.catalog(), "/causeway/lamps")
    assert event.message == lit(NEW, BLUE, "colour")


async def test_an_unknown_number_is_refused_before_it_is_stored() -> None:
    store = EventStore(OLD.catalog(), {LIT: SchemaId(1, 1)}, "/causeway/lamps")
    message = read_by_old(lit(NEW, BLUE, "colour"))
    nowhere: Any = None
    with pytest.raises(InvalidArgument) as refused:
        await store.append(nowhere, "lamps/l1", 0, [message], Origin())
    assert refused.value.reason == "UNKNOWN_ENUM_NUMBER"
    assert refused.value.metadata == {"type": LIT, "field": "colour"}


def test_an_unknown_field_beside_is_no_reason_to_refuse() -> None:
    newer = protos({PATH: (EVENTS % "").replace("string id = 1;", "string id = 1; string x = 9;")})
    event = decode(record(newer.make(LIT, id="l1", x="new")), OLD.catalog())
    assert (
        event.message.SerializeToString() == newer.make(LIT, id="l1", x="new").SerializeToString()
    )
