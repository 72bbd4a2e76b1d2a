"""The two ends of a caller: HTTP/1.1 and HTTP/2 with one call at a time, as little as that needs.

What generates load shares two cores with what it measures, so it must be cheap: a client of gRPC in
Python costs more than Envoy does. Requests are laid out once. As real clients do (RFC 7541), the
first one on an HTTP/2 connection names its headers and the later ones point at them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

Headers = Sequence[tuple[str, str]]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
WINDOW_UPDATE = 8
END_STREAM = ACK = 1
END_HEADERS = 4
LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535
FIRST_DYNAMIC = 62
"""Index of the newest entry of the dynamic table: the static one has 61."""


class RefusedError(Exception):
    """The peer ended the call or the connection in a way that is no answer."""


class Connection(Protocol):
    """One connection's state."""

    def request(self) -> bytes:
        """Lay out what begins the next call."""

    def feed(self, data: bytes) -> bytes | None:
        """Take what arrived; returns the body once the answer is complete."""

    def owed(self) -> bytes:
        """Return what the protocol wants sent besides requests."""


class Http1:
    """Keep-alive; an answer has a length, or comes in chunks."""

    def __init__(self, method: str, path: str, headers: Headers) -> None:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._buffer = b""

    def request(self) -> bytes:
        """Return the same bytes every time."""
        return self._request

    def feed(self, data: bytes) -> bytes | None:
        """Wait for the length that the headers tell, or for the last chunk."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise RefusedError(head.partition(b"\r\n")[0].decode(errors="replace"))
        if not _complete(head.lower(), body):
            return None
        self._buffer = b""
        return body

    def owed(self) -> bytes:
        """Nothing, ever."""
        return b""


def _complete(head: bytes, body: bytes) -> bool:
    _, told, rest = head.partition(b"\r\ncontent-length:")
    if told:
        return len(body) >= int(rest.partition(b"\r\n")[0])
    return body.endswith(b"0\r\n\r\n")


class Http2:
    """One stream after the other; `body` makes the whole of what a request sends, None: nothing."""

    def __init__(self, headers: Headers, body: Callable[[], bytes] | None = None) -> None:
        self._first = b"".join(literal(name, value) for name, value in headers)
        self._later = bytes(0x80 | FIRST_DYNAMIC + n for n in reversed(range(len(headers))))
        self._body = body
        self._stream = -1
        self._buffer, self._answer, self._owed = b"", b"", b""

    def request(self) -> bytes:
        """Open the next stream; the first one opens the connection too."""
        self._stream += 2
        self._answer = b""
        first = self._stream == 1
        ends = END_HEADERS | (END_STREAM if self._body is None else 0)
        block = self._first if first else self._later
        whole = frame(HEADERS, ends, self._stream, block)
        if self._body is not None:
            whole += frame(DATA, END_STREAM, self._stream, self._body())
        return (opening() if first else b"") + whole

    def feed(self, data: bytes) -> bytes | None:
        """Collect frames until one ends the stream."""
        self._buffer += data
        at, ended = 0, False
        while len(self._buffer) - at >= 9:
            end = at + 9 + int.from_bytes(self._buffer[at : at + 3], "big")
            if len(self._buffer) < end:
                break
            kind, flags = self._buffer[at + 3], self._buffer[at + 4]
            ended |= self._take(kind, flags, self._buffer[at + 9 : end])
            at = end
        self._buffer = self._buffer[at:]
        return self._answer if ended else None

    def _take(self, kind: int, flags: int, payload: bytes) -> bool:
        if kind == DATA:
            self._answer += payload
        elif kind in (RST_STREAM, GOAWAY):
            raise RefusedError(f"frame {kind}, {payload.hex()}")
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self._owed += frame(kind, ACK, 0, payload if kind == PING else b"")
        return kind in (DATA, HEADERS) and bool(flags & END_STREAM)

    def owed(self) -> bytes:
        """Acknowledgements."""
        owed, self._owed = self._owed, b""
        return owed


def opening() -> bytes:
    """Begin a connection whose windows never close: what is measured is small."""
    # SETTINGS_ENABLE_PUSH off, SETTINGS_INITIAL_WINDOW_SIZE.
    settings = b"\0\2\0\0\0\0" + b"\0\4" + LARGEST_WINDOW.to_bytes(4, "big")
    more = (LARGEST_WINDOW - DEFAULT_WINDOW).to_bytes(4, "big")
    return PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, more)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Lay out one frame."""
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + payload


def literal(name: str, value: str) -> bytes:
    """A header to be remembered (RFC 7541, 6.2.1), its name and value as they are."""
    return b"\x40" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _integer(len(raw)) + raw


def _integer(value: int) -> bytes:
    """With a prefix of seven bits whose eighth, Huffman coding, is off (RFC 7541, 5.1)."""
    if value < 127:
        return bytes((value,))
    rest = _sevens(value - 127)
    return bytes((127, *rest))


def _sevens(value: int) -> Iterable[int]:
    while value >= 128:
        yield value % 128 | 128
        value //= 128
    yield value
