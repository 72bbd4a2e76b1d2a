"""Rows of `bridge.events` as events."""

from collections.abc import Mapping
from typing import Any

from bridge.catalog import Catalog
from bridge.event import Event, Origin


def event_of(row: Mapping[str, Any], catalog: Catalog, source: str) -> Event:
    """Decode one row that holds every column of `bridge.events`, and bring it up to date.

    `source` is "/causeway/orders". The event's type is that of its message: where an upcaster
    made that a newer one than the row's, the newer one.
    """
    stream = row["stream"]
    message = catalog.upcast(catalog[row["type"]].message.FromString(row["data"]))
    return Event(
        id=str(row["event_id"]),
        type=message.DESCRIPTOR.full_name,
        source=source,
        stream=stream,
        version=row["version"],
        key=stream.partition("/")[2],
        time=row["time"],
        message=message,
        origin=Origin(
            actor=row["actor"],
            client=row["client"],
            method=row["method"],
            request_id=row["request_id"],
            correlation_id=row["correlation_id"],
            causation_id=row["causation_id"],
            traceparent=row["traceparent"],
        ),
        position=row["position"],
    )
