"""The value of a record: Confluent's wire format for Protobuf.

0x00, the schema's id (4 bytes, big endian), the message's path in its file as zigzag varints (their
count first; the path [0] is the single byte 0x00), then the protobuf bytes. See Confluent's "Wire
format" for Protobuf; tests/vectors/wire.json holds values that its client and Apicurio's wrote.
"""

from functools import cache

from bridge.errors import Undecodable

MAGIC = 0
PATH_AT = 5
"""Where the path begins: after the magic byte and the id."""


@cache
def wire_prefix(schema_id: int, indexes: tuple[int, ...]) -> bytes:
    """Give what stands in front of the protobuf bytes: computed once per schema."""
    return bytes([MAGIC]) + schema_id.to_bytes(4, "big") + wire_path(indexes)


@cache
def wire_path(indexes: tuple[int, ...]) -> bytes:
    """Write a message's path in its file."""
    return b"\0" if indexes == (0,) else b"".join(map(_zigzag, (len(indexes), *indexes)))


def payload(value: bytes | None, indexes: tuple[int, ...]) -> bytes:
    """Give the protobuf bytes of a value that must hold the message at `indexes`.

    Undecodable if it is null (on Kafka a deletion, which no event is), not in the wire format, or
    of another message.
    """
    path = wire_path(indexes)
    # What every producer writes, told by one comparison; other spellings of a path are read below.
    if value is not None and value.startswith(path, PATH_AT) and value[0] == MAGIC:
        return value[PATH_AT + len(path) :]
    _, found, data = split_value(value)
    if found != indexes:
        raise Undecodable(
            f"its value is the message at {list(found)} of its file, its type is at {list(indexes)}"
        )
    return data


def split_value(value: bytes | None) -> tuple[int, tuple[int, ...], bytes]:
    """Take a value apart: schema id, message path, protobuf bytes. Undecodable if it is not one."""
    if value is None:
        raise Undecodable("it has no value")
    if len(value) <= PATH_AT or value[0] != MAGIC:
        raise Undecodable("its value is not in the schema registry's wire format")
    count, at = _unzigzag(value, PATH_AT)
    indexes = []
    for _ in range(count):
        index, at = _unzigzag(value, at)
        indexes.append(index)
    return int.from_bytes(value[1:PATH_AT], "big"), tuple(indexes) or (0,), value[at:]


def _zigzag(number: int) -> bytes:
    """Write a non-negative number as a zigzag varint."""
    left = number << 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _unzigzag(data: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag varint: the number and where it ends. Undecodable if it does not."""
    raw = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise Undecodable("the message path of its value does not end")
        raw |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    number = (raw >> 1) ^ -(raw & 1)
    if number < 0:
        raise Undecodable("the message path of its value is negative")
    return number, at
