"""The hash chain over a store's events, one seal an event, in the order in which Kafka took them.

    hash = SHA-256(0x01 ‖ prev ‖ fields)

`0x01` is the layout's version. `prev` is the hash of the seal before, 32 bytes, of zeros for the
first. `fields` are all columns of the event in the order of `COLUMNS`, laid out as PostgreSQL
sends a row in binary, all numbers big endian: the number of columns (4 bytes), then for each the
OID of its type (4 bytes), the length of its value (4 bytes), and the value:

- bigint (20) and integer (23): 8 and 4 bytes, two's complement;
- text (25): UTF-8; bytea (17): as it is; uuid (2950): its 16 bytes;
- timestamptz (1184): microseconds since 2000-01-01 UTC as a bigint.

NULL is the length -1 (`ff ff ff ff`) and no value. So no two events share their fields. The relay
lets PostgreSQL lay them out (`record_send(ROW(…))`, 2 µs); `fields` here does it apart from
PostgreSQL, for the check.

A column that is added to events later begins another version of the layout.
"""

import struct
from asyncio import Event
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

VERSION = b"\x01"
GENESIS = bytes(32)
HEAD_EVERY = 1000
"""A head goes to Kafka after so many events, or after `bridge.audit.heads.HEAD_SECONDS`."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NULL = struct.pack(">i", -1)
_int4 = struct.Struct(">i").pack
_int8 = struct.Struct(">q").pack


def _timestamptz(time: datetime | bytes) -> bytes:
    if isinstance(time, bytes):
        return time
    return _int8((time - _EPOCH) // _MICROSECOND)


def moment(sent: bytes) -> datetime:
    """Read a time as PostgreSQL sends it; OverflowError where Python has none: BC, infinity."""
    return _EPOCH + int.from_bytes(sent, "big", signed=True) * _MICROSECOND


def _uuid(name: Any) -> bytes:
    found: bytes = name.bytes
    return found


class Column(NamedTuple):
    """How PostgreSQL sends one."""

    name: str
    oid: int
    send: Callable[[Any], bytes]


COLUMNS = (
    Column("position", 20, _int8),
    Column("stream", 25, str.encode),
    Column("version", 20, _int8),
    Column("type", 25, str.encode),
    Column("event_id", 2950, _uuid),
    Column("data", 17, bytes),
    Column("schema_id", 23, _int4),
    Column("time", 1184, _timestamptz),
    Column("actor", 25, str.encode),
    Column("client", 25, str.encode),
    Column("method", 25, str.encode),
    Column("request_id", 25, str.encode),
    Column("correlation_id", 25, str.encode),
    Column("causation_id", 25, str.encode),
    Column("traceparent", 25, str.encode),
)
"""What is sealed of an event, in this order."""

_COUNT = _int4(len(COLUMNS))
_SENDS = tuple((_int4(column.oid), column.send) for column in COLUMNS)


class Head(NamedTuple):
    """Where a chain ends: the last seal. `seq` 0 and `GENESIS`: before the first."""

    seq: int
    position: int
    hash: bytes


BEGINNING = Head(0, 0, GENESIS)


def fields(values: Iterable[Any]) -> bytes:
    """Lay out an event; `values` are its columns in the order of `COLUMNS`."""
    return _COUNT + b"".join(
        [
            oid + (_NULL if value is None else _int4(len(sent := send(value))) + sent)
            for value, (oid, send) in zip(values, _SENDS, strict=True)
        ]
    )


def seal_hash(prev: bytes, laid_out: bytes) -> bytes:
    """Give the hash of the seal that follows `prev` over one event's `fields`; 32 bytes."""
    return sha256(VERSION + prev + laid_out).digest()


class Chain:
    """The end of a store's chain, held by whoever holds the relay's lock."""

    def __init__(self, head: Head) -> None:
        self.head = head
        """The last seal that is committed."""
        self.announced = 0
        """`seq` of the last head on Kafka, as far as this one knows."""
        self.due = Event()
        """Set when the next head should not wait."""

    def hashes(self, laid_out: Iterable[bytes]) -> list[bytes]:
        """Make the hashes of the seals that follow the head, over the `fields` of events."""
        prev = self.head.hash
        return [prev := seal_hash(prev, one) for one in laid_out]

    def advance(self, position: int, hashes: Sequence[bytes]) -> None:
        """Note that seals were committed; the last one is over the event at `position`."""
        seq = self.head.seq + len(hashes)
        self.head = Head(seq, position, hashes[-1])
        if seq - self.announced >= HEAD_EVERY:
            self.due.set()

    def announce(self, head: Head) -> None:
        """Note that this head is on Kafka."""
        self.announced = head.seq
        self.due.clear()
