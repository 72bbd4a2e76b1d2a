"""A record as a row of `bridge.parked`, and back: nothing of it is lost."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from bridge.events.codec import header
from bridge.kafka.record import Headers, Record

LONGEST_KEY = 500
"""Characters; an index takes no longer rows than a third of a page."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A parked record: what `bridge.events.codec.decode` reads."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@lru_cache(4096)
def key_text(key: bytes | None) -> str:
    """Name a record's key as parked rows do; empty for a record without one.

    What the database's text can't hold is written as an escape, a very long key as its beginning
    and its SHA-256.
    """
    if not key:
        return ""
    text = _plain(key.decode(errors="backslashreplace"))
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[: LONGEST_KEY - 64]}{hashlib.sha256(key).hexdigest()}"


def columns(record: Record) -> tuple[Any, ...]:
    """Give the row's key, event id, type, topic, partition, offset, key's bytes, value, headers."""
    return (
        key_text(record.key) or None,
        event_id_of(record),
        _plain(header(record.headers, "ce_type")),
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        json.dumps([[_packed(name.encode()), _packed(value)] for name, value in record.headers]),
    )


def stored(row: Mapping[str, Any]) -> StoredRecord:
    """Read a row back."""
    return StoredRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        key=row["record_key"],
        value=row["value"],
        headers=[
            ((_unpacked(name) or b"").decode(), _unpacked(value))
            for name, value in json.loads(row["headers"])
        ],
    )


def event_id_of(record: Record) -> str | None:
    """Read the event's id, also of a record that can't be decoded; None if it has none."""
    try:
        return str(UUID(header(record.headers, "ce_id")))
    except ValueError:
        return None


def _plain(text: str) -> str:
    return text.replace("\0", "\\x00")


def _packed(value: bytes | None) -> str | dict[str, str] | None:
    """Write bytes as text where they are text, else in base64."""
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {"base64": base64.b64encode(value).decode()} if "\0" in text else text


def _unpacked(value: str | dict[str, str] | None) -> bytes | None:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value if value is None else value.encode()
