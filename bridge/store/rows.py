"""Rows of `bridge.events` as events."""

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import Message

from bridge.errors import Undecodable
from bridge.events.catalog import Catalog
from bridge.events.enums import reader_of
from bridge.events.event import Event, Origin


def events_of(rows: Iterable[Any], catalog: Catalog, source: str) -> list[Event]:
    """Decode rows, and bring their messages up to date; `source` is "/causeway/orders".

    Columns in this order: position, stream, version, type, event_id, data, time, then the fields
    of an origin. The event's type is that of its message: where an upcaster made that a newer one
    than the row's, the newer one. Undecodable names the event that can't be read.
    """
    # A replay reads millions: the columns by their place, and each type looked up once.
    readers: dict[str, tuple[str, Callable[[bytes], Message]]] = {}
    events = []
    for position, stream, version, stored_type, event_id, data, time, *origin in rows:
        reader = readers.get(stored_type)
        if reader is None:
            reader = readers[stored_type] = _reader(catalog, stored_type)
        name, read = reader
        try:
            message = read(data)
        except Exception as error:
            raise _unreadable(str(event_id), stored_type, position, error) from error
        events.append(
            Event(
                str(event_id),
                name,
                source,
                stream,
                version,
                stream.partition("/")[2],
                time,
                message,
                Origin(*origin),
                position,
            )
        )
    return events


def _reader(catalog: Catalog, stored_type: str) -> tuple[str, Callable[[bytes], Message]]:
    """Give the type that events of a stored type have once they are read, and what reads them."""
    decode = reader_of(catalog[stored_type].message)
    newest = catalog.newest(stored_type)
    if newest == stored_type:
        return stored_type, decode
    return newest, lambda data: catalog.upcast(decode(data))


def _unreadable(event_id: str, stored_type: str, position: int, error: Exception) -> Undecodable:
    """Name the event; an upcaster's own text may quote what the message holds."""
    event = f"event {event_id} ({stored_type}, position {position})"
    if isinstance(error, Undecodable):
        return Undecodable(f"{event}: {error.message}", reason=error.reason)
    return Undecodable(
        f"{event}: its upcaster fails: {type(error).__name__}", reason="UPCASTER_FAILED"
    )
