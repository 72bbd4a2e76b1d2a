"""Rows of `bridge.events` as the API's Event: for the bridge's own API and for services' lists."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage

from bridge.events.outside import source_of
from bridge.timestamps import timestamp
from causeway.bridge.v1 import event_pb2

URL = "type.googleapis.com/"


def event_message(source: str, row: Mapping[str, Any]) -> event_pb2.Event:
    """The event with its data as it was stored: nothing is decoded, so any type will do.

    `source` is that of its store; an event from outside has its own.
    """
    return event_pb2.Event(
        name=f"events/{row['event_id']}",
        type=row["type"],
        source=source_of(row["causation_id"], source),
        subject=row["stream"],
        key=row["stream"].partition("/")[2],
        time=timestamp(row["time"]),
        data=packed(row["type"], row["data"]),
        sequence=row["version"],
        correlation=row["correlation_id"],
        causation=row["causation_id"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
    )


def packed(type_name: str, data: bytes) -> AnyMessage:
    """Serialized bytes of a type as an Any."""
    return AnyMessage(type_url=URL + type_name, value=data)
