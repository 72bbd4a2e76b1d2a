"""Bytes that are no message, or more than one: what a broken or hostile client sends."""

from collections.abc import Callable
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Accident = Callable[[bytes, Descriptor], SearchStrategy[bytes]]
LENGTH_DELIMITED = 2
DEEP = 5000
"""Levels; protobuf's own parsers give up at 100."""


@st.composite
def damaged(draw: DrawFn, whole: SearchStrategy[bytes], kind: Descriptor) -> bytes:
    """The bytes of a message after one accident."""
    raw = draw(whole)
    accident = draw(st.sampled_from(ACCIDENTS))
    return draw(accident(raw, kind))


def cut(raw: bytes, _kind: Descriptor) -> SearchStrategy[bytes]:
    """End it early."""
    return st.integers(0, max(len(raw) - 1, 0)).map(lambda end: raw[:end])


def flipped(raw: bytes, _kind: Descriptor) -> SearchStrategy[bytes]:
    """Turn over one to three bits."""
    if not raw:
        return st.binary(max_size=8)
    places = st.lists(st.integers(0, len(raw) * 8 - 1), min_size=1, max_size=3)
    return places.map(lambda bits: _flip(raw, bits))


def followed(raw: bytes, _kind: Descriptor) -> SearchStrategy[bytes]:
    """Append fields that the type does not have, of every wire type."""
    return st.lists(_unknown_field(), min_size=1, max_size=4).map(lambda more: raw + b"".join(more))


def doubled(raw: bytes, _kind: Descriptor) -> SearchStrategy[bytes]:
    """Say everything twice, which a parser merges."""
    return st.just(raw + raw)


def noise(_raw: bytes, _kind: Descriptor) -> SearchStrategy[bytes]:
    """Send anything."""
    return st.binary(max_size=200)


def misspelt(raw: bytes, kind: Descriptor) -> SearchStrategy[bytes]:
    """Append a text that is no UTF-8, if the type has texts."""
    texts = [f.number for f in kind.fields if f.type == FieldDescriptor.TYPE_STRING]
    bad = st.sampled_from((b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"))
    return st.tuples(st.sampled_from(texts or [1]), bad).map(lambda one: raw + field(*one))


def nested(raw: bytes, kind: Descriptor) -> SearchStrategy[bytes]:
    """Append a field within a field within a field."""
    inner = [f.number for f in kind.fields if f.message_type is not None]
    depths = st.sampled_from((90, 101, 1000, DEEP))
    return st.tuples(st.sampled_from(inner or [1]), depths).map(lambda one: raw + deep(*one))


ACCIDENTS: tuple[Accident, ...] = (cut, flipped, followed, doubled, noise, misspelt, nested)


def varint(number: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number: int, content: bytes) -> bytes:
    """Write a length-delimited field."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def _flip(raw: bytes, bits: list[int]) -> bytes:
    out = bytearray(raw)
    for bit in bits:
        out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


@cache
def deep(number: int, levels: int) -> bytes:
    """Write a field within itself so many times."""
    content = b""
    for _ in range(levels):
        content = field(number, content)
    return content


def _unknown_field() -> SearchStrategy[bytes]:
    numbers = st.sampled_from((999, 19_000, 2**29 - 1))
    wire_types = st.sampled_from((0, 1, 2, 3, 5, 6, 7))
    return st.tuples(numbers, wire_types, st.binary(max_size=12)).map(_write_unknown)


def _write_unknown(one: tuple[int, int, bytes]) -> bytes:
    number, wire_type, content = one
    body = varint(len(content)) + content if wire_type == LENGTH_DELIMITED else content
    return varint(number << 3 | wire_type) + body
