"""HTTP/2 as frames over a plain socket, with no rule of the protocol enforced on our side.

Frame types, flags and error codes: RFC 9113, sections 6 and 7.
"""

import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hpack

HOST = "127.0.0.1"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
CANCEL = 8
LARGEST_FRAME = 16_384
WINDOW, FIRST_WINDOW = 1 << 24, 65_535
INITIAL_WINDOW_SIZE = 4
Pairs = Iterable[tuple[str, str]]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A frame; its length is the payload's, whatever the peer allows."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


@dataclass
class Reply:
    """What came on one stream. `reset` and `goaway` are error codes; `closed`: and nothing more."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    goaway: int | None = None
    closed: bool = False

    @property
    def status(self) -> int:
        """HTTP's status; 0 where the stream ended without one."""
        return int(self.headers.get(":status", 0))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection; `sent` and `received` frames are the caller's business."""

    def __init__(self, port: int, patience: float = 10.0) -> None:
        self._socket = socket.create_connection((HOST, port), 5)
        self._socket.settimeout(patience)
        self._encoder, self._decoder = hpack.Encoder(), hpack.Decoder()
        self._buffer, self._next = b"", 1
        self.replies: dict[int, Reply] = {}
        self.goaway: int | None = None
        self.closed = False
        # Bytes of DATA, by stream (0: all together): sent, and allowed beyond the first window.
        self._sent, self._opened = Counter[int](), Counter[int]()
        self._initial = FIRST_WINDOW
        wide = struct.pack(">HI", INITIAL_WINDOW_SIZE, WINDOW)  # answers come whole
        self.write(PREFACE + frame(SETTINGS, payload=wide))
        self.write(frame(WINDOW_UPDATE, payload=struct.pack(">I", WINDOW)))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def write(self, data: bytes) -> bool:
        """Send bytes; False where the peer has closed."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.closed = True
        return not self.closed

    def encode(self, headers: Pairs) -> bytes:
        return self._encoder.encode(list(headers))

    def next_stream(self) -> int:
        stream, self._next = self._next, self._next + 2
        self.replies[stream] = Reply()
        return stream

    def open(self, headers: Pairs, *, end: bool = True) -> int:
        """Begin a stream with one HEADERS frame; returns its number."""
        stream = self.next_stream()
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.write(frame(HEADERS, flags, stream, self.encode(headers)))
        return stream

    def send(self, stream: int, body: bytes, *, end: bool = True) -> None:
        """A body, as fast as the peer's windows let it through; no more once it has answered."""
        while len(body) > (size := min(LARGEST_FRAME, self._room(stream))):
            if size > 0:
                self._data(stream, body[:size])
                body = body[size:]
            elif not (found := self.read()) or self._take(*found) == stream:
                return
        self._data(stream, body, end=end)

    def _room(self, stream: int) -> int:
        used = self._sent[stream] - self._opened[stream]
        return min(self._initial - used, FIRST_WINDOW + self._opened[0] - self._sent[0])

    def _data(self, stream: int, part: bytes, *, end: bool = False) -> None:
        self.write(frame(DATA, END_STREAM if end else 0, stream, part))
        for one in (0, stream):
            self._sent[one] += len(part)

    def request(self, headers: Pairs, body: bytes | None = None) -> Reply:
        """A whole request and its reply."""
        stream = self.open(headers, end=body is None)
        if body is not None:
            self.send(stream, body)
        return self.reply(stream)

    def reply(self, stream: int) -> Reply:
        """What came on the stream, once it has ended one way or another."""
        done = False
        while not done and (found := self.read()):
            done = self._take(*found) == stream
        reply = self.replies[stream]
        reply.goaway, reply.closed = self.goaway, self.closed
        return reply

    def drain(self) -> None:
        """Read until the peer closes or is silent."""
        while found := self.read():
            self._take(*found)

    def read_for(self, seconds: float) -> None:
        """Read for a while a peer that goes on and on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (found := self.read()):
            self._take(*found)

    def read(self) -> tuple[int, int, int, bytes] | None:
        """The next frame as kind, flags, stream, payload; None at the end or in silence."""
        try:
            while len(self._buffer) < 9 or len(self._buffer) < 9 + self._size():
                part = self._socket.recv(65536)
                if not part:
                    self.closed = True
                    return None
                self._buffer += part
        except TimeoutError:
            return None
        except OSError:
            self.closed = True
            return None
        size = self._size()
        kind, flags, stream = struct.unpack(">BBI", self._buffer[3:9])
        payload = self._buffer[9 : 9 + size]
        self._buffer = self._buffer[9 + size :]
        return kind, flags, stream & 0x7FFFFFFF, payload

    def _size(self) -> int:
        return int.from_bytes(self._buffer[:3], "big")

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> int | None:
        """Note a frame; returns the stream if it is over, 0 for none, None is for no stream."""
        reply = self.replies.setdefault(stream, Reply())
        if kind == HEADERS:
            reply.headers |= dict(self._decoded(payload))
        elif kind == DATA:
            reply.body += payload
        elif kind == RST_STREAM:
            reply.reset = int.from_bytes(payload, "big")
            return stream
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == WINDOW_UPDATE:
            self._opened[stream] += int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            pairs = dict(struct.iter_unpack(">HI", payload))
            self._initial = pairs.get(INITIAL_WINDOW_SIZE, self._initial)
            self.write(frame(SETTINGS, ACK))
        over = kind in (HEADERS, DATA) and flags & END_STREAM
        return stream if over else None

    def _decoded(self, block: bytes) -> Iterator[tuple[str, str]]:
        for name, value in self._decoder.decode(block):
            yield str(name), str(value)


def pseudo(verb: str, path: str, authority: str = "localhost") -> list[tuple[str, str]]:
    """The pseudo-headers of an ordinary request."""
    return [(":method", verb), (":scheme", "http"), (":path", path), (":authority", authority)]
