"""Golden values: the bytes that Confluent's and Apicurio's clients wrote, kept in wire.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from bridge.events.catalog import Catalog, message_indexes
from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from tests.event_protos import protos

SCHEMA_ID = 0x01020304
"""Four different bytes, so that their order shows."""

SHAPES_PATH = "causeway/shapes/v1/events.proto"
_OPTION = 'option (causeway.options.v1.event) = { topic: "shapes" key: "id" stream: "shapes" };'
# The 64th message is the first whose index takes two bytes.
SHAPES = protos(
    {
        SHAPES_PATH: 'syntax = "proto3"; package causeway.shapes.v1;'
        'import "causeway/options/v1/options.proto";'
        + "".join(f"message M{n} {{ {_OPTION} string id = 1; }}\n" for n in range(64))
        + f"message Deep {{ {_OPTION} string id = 1; message First {{ }}"
        "message Second { message Third { string text = 1; } } }"
    }
)
CATALOG = Catalog.of(orders, users)
SHAPES_CATALOG = SHAPES.catalog()
_NESTED = {
    "causeway.orders.v1.OrderCreated.Item": orders.OrderCreated.Item,
}


@dataclass(frozen=True, slots=True)
class Vector:
    """One message, and the value that each client made of it with schema SCHEMA_ID."""

    name: str
    full_name: str
    json: Mapping[str, Any]
    indexes: tuple[int, ...]
    confluent: bytes
    """Ours too."""
    apicurio: bytes
    """Writes the path [0] in two bytes, where Confluent's writes one."""

    @property
    def kind(self) -> type[Message]:
        """Its class."""
        if self.full_name in _NESTED:
            return _NESTED[self.full_name]
        event_type = CATALOG.get(self.full_name)
        return event_type.message if event_type else SHAPES.message(self.full_name)

    @property
    def message(self) -> Message:
        """It as a message."""
        return ParseDict(dict(self.json), self.kind())


def read() -> list[Vector]:
    rows = json.loads(Path(__file__).with_name("wire.json").read_text(encoding="utf-8"))
    return [
        Vector(
            row["name"],
            row["type"],
            row["json"],
            tuple(row["indexes"]),
            bytes.fromhex(row["confluent"]),
            bytes.fromhex(row["apicurio"]),
        )
        for row in rows
    ]


def indexes_of(message: Message) -> tuple[int, ...]:
    return message_indexes(message.DESCRIPTOR)  # type: ignore[arg-type]
