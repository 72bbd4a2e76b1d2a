"""Floods of HTTP/2 frames: each writes until the peer has closed, or it has said enough."""

import struct
from collections.abc import Callable, Iterable
from itertools import repeat

from tests.security import http2
from tests.security.callers import bearer
from tests.security.http2 import Connection, frame

Flood = Callable[[Connection, str], None]
ENOUGH = 20_000
PIECE = 500
"""Frames in one write."""
GET = http2.pseudo("GET", "/v1/orders/7")
WATCH = http2.pseudo("POST", "/causeway.orders.v1.OrderService/WatchOrder")


def pour(connection: Connection, frames: Iterable[bytes], count: int = ENOUGH) -> None:
    """Write so many frames, as long as the peer takes them."""
    source, left = iter(frames), count
    while left > 0 and connection.write(b"".join(next(source) for _ in range(PIECE))):
        left -= PIECE


def rapid_reset(connection: Connection, token: str) -> None:
    """CVE-2023-44487: a request is begun and taken back, over and over."""
    pour(connection, _begun_and_reset(connection, token))


def _begun_and_reset(connection: Connection, token: str) -> Iterable[bytes]:
    whole = http2.END_HEADERS | http2.END_STREAM
    while True:
        stream = connection.next_stream()
        block = connection.encode([*GET, *bearer(token)])
        reset = frame(http2.RST_STREAM, 0, stream, struct.pack(">I", http2.CANCEL))
        yield frame(http2.HEADERS, whole, stream, block) + reset


def made_to_reset(connection: Connection, token: str) -> None:
    """CVE-2025-8671: the peer is made to reset what was begun, by a frame that is wrong."""
    pour(connection, _begun_and_wrong(connection, token))


def _begun_and_wrong(connection: Connection, token: str) -> Iterable[bytes]:
    while True:
        stream = connection.next_stream()
        block = connection.encode([*GET, *bearer(token)])
        wrong = frame(http2.WINDOW_UPDATE, 0, stream, bytes(4))
        yield frame(http2.HEADERS, http2.END_HEADERS, stream, block) + wrong


def pings(connection: Connection, token: str) -> None:
    """CVE-2019-9512: each wants an answer, and none is read."""
    pour(connection, repeat(frame(http2.PING, payload=bytes(8))))


def settings(connection: Connection, token: str) -> None:
    """CVE-2019-9515: as above."""
    pour(connection, repeat(frame(http2.SETTINGS, payload=struct.pack(">HI", 3, 100))))


def continuations(connection: Connection, token: str) -> None:
    """CVE-2024-30255: a header block without an end."""
    begin_block(connection)
    literal = b"\0\1x\x7f\x80\x3e" + b"y" * 8127  # one header, not to be indexed
    pour(connection, repeat(frame(http2.CONTINUATION, 0, 1, literal)), 2000)


def empty_continuations(connection: Connection, token: str) -> None:
    """The same, with nothing in it."""
    begin_block(connection)
    pour(connection, repeat(frame(http2.CONTINUATION, 0, 1)))


def begin_block(connection: Connection) -> None:
    stream = connection.next_stream()
    connection.write(frame(http2.HEADERS, 0, stream, connection.encode(GET)))


def empty_data(connection: Connection, token: str) -> None:
    """CVE-2019-9518: frames that carry nothing and end nothing."""
    headers = [*WATCH, ("content-type", "application/grpc"), *bearer(token)]
    stream = connection.open(headers, end=False)
    pour(connection, repeat(frame(http2.DATA, 0, stream)))


def priorities(connection: Connection, token: str) -> None:
    """CVE-2019-9513: the tree of streams is turned over and over."""
    pour(connection, (frame(http2.PRIORITY, 0, 2 * n + 1, b"\0\0\0\0\xff") for n in range(10**6)))


def window_updates(connection: Connection, token: str) -> None:
    """More window and more window, for an answer that has none to fill it with."""
    pour(connection, repeat(frame(http2.WINDOW_UPDATE, payload=struct.pack(">I", 1))))


def hpack_bomb(connection: Connection, token: str) -> None:
    """CVE-2016-1544: one large header, then 16,000 references to it in a block."""
    stream = connection.next_stream()
    large = connection.encode([("x", "y" * 4000)])
    block = connection.encode(GET) + large + b"\xbe" * 16_000
    parts = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
    connection.write(frame(http2.HEADERS, http2.END_STREAM, stream, parts[0]))
    for part in parts[1:-1]:
        connection.write(frame(http2.CONTINUATION, 0, stream, part))
    connection.write(frame(http2.CONTINUATION, http2.END_HEADERS, stream, parts[-1]))


FLOODS: dict[str, Flood] = {
    "requests that are taken back": rapid_reset,
    "requests that have to be reset": made_to_reset,
    "PING": pings,
    "SETTINGS": settings,
    "CONTINUATION": continuations,
    "CONTINUATION, empty": empty_continuations,
    "DATA, empty": empty_data,
    "PRIORITY": priorities,
    "WINDOW_UPDATE": window_updates,
    "references to a large header": hpack_bomb,
}

# Single frames that break the protocol; the peer ends the connection.
BROKEN: dict[str, bytes] = {
    "larger than allowed": frame(http2.SETTINGS, payload=bytes(18_000)),
    "of 16 MB, as it says": b"\xff\xff\xff\0\0\0\0\0\1",
    "DATA on no stream": frame(http2.DATA, 0, 0, b"x"),
    "DATA on a stream that is not there": frame(http2.DATA, 0, 99, b"x"),
    "HEADERS on no stream": frame(http2.HEADERS, http2.END_HEADERS, 0, b"\x82"),
    "HEADERS on a stream of the server": frame(http2.HEADERS, http2.END_HEADERS, 2, b"\x82"),
    "HEADERS that refer to nothing": frame(http2.HEADERS, 4, 1, b"\xff\xff\xff\x7f"),
    "HEADERS that grow the table": frame(http2.HEADERS, http2.END_HEADERS, 1, b"\x3f\xff\xff\x7f"),
    "CONTINUATION of nothing": frame(http2.CONTINUATION, http2.END_HEADERS, 1, b"\x82"),
    "PING of another size": frame(http2.PING, payload=b"x"),
    "SETTINGS of half a pair": frame(http2.SETTINGS, payload=b"\0\1\0"),
    "SETTINGS on a stream": frame(http2.SETTINGS, 0, 1, bytes(6)),
    "SETTINGS with a window above 2^31": frame(http2.SETTINGS, payload=b"\0\4\xff\xff\xff\xff"),
    "SETTINGS with frames of 1 byte": frame(http2.SETTINGS, payload=b"\0\5\0\0\0\1"),
    "WINDOW_UPDATE of nothing": frame(http2.WINDOW_UPDATE, payload=bytes(4)),
    "WINDOW_UPDATE beyond 2^31": frame(http2.WINDOW_UPDATE, payload=b"\x7f\xff\xff\xff"),
    "RST_STREAM of what never was": frame(http2.RST_STREAM, 0, 99, bytes(4)),
    "PUSH_PROMISE of a client": frame(5, http2.END_HEADERS, 1, b"\0\0\0\2\x82"),
}  # fmt: skip
