"""One stream that a client writes to: its frames, and how much of them HTTP/2 lets go.

As little as that needs, and cheap, as `benchmarks.wire` is.
"""

from collections.abc import Iterator

from benchmarks.wire import (
    ACK,
    DATA,
    DEFAULT_WINDOW,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RefusedError,
    frame,
    literal,
    opening,
)
from benchmarks.wire import Headers as NamesAndValues

STREAM = 1
LARGEST_FRAME = 16_384
INITIAL_WINDOW_SIZE = 4


class Upload:
    """The state of the connection; `answered` has the messages that came back."""

    def __init__(self, headers: NamesAndValues) -> None:
        block = b"".join(literal(name, value) for name, value in headers)
        self._out = bytearray(opening() + frame(HEADERS, END_HEADERS, STREAM, block))
        self._unsent, self._in = bytearray(), bytearray()
        self._answer = bytearray()
        self._connection = self._stream = self._initial = DEFAULT_WINDOW

    @property
    def held(self) -> int:
        """Bytes of messages that no window is open for."""
        return len(self._unsent)

    def write(self, messages: bytes) -> None:
        """Queue messages, each with its length before it."""
        self._unsent += messages

    def outgoing(self) -> bytes:
        """Take what may be sent now."""
        while size := min(len(self._unsent), self._connection, self._stream, LARGEST_FRAME):
            if size < 0:
                break
            self._out += frame(DATA, 0, STREAM, bytes(self._unsent[:size]))
            del self._unsent[:size]
            self._connection -= size
            self._stream -= size
        taken, self._out = bytes(self._out), bytearray()
        return taken

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take what arrived; yields the messages that are complete with it."""
        self._in += data
        while len(self._in) >= 9 and len(self._in) >= (
            end := 9 + int.from_bytes(self._in[:3], "big")
        ):
            kind, flags, stream = self._in[3], self._in[4], int.from_bytes(self._in[5:9], "big")
            payload = bytes(self._in[9:end])
            del self._in[:end]
            self._take(kind, flags, stream, payload)
        while len(self._answer) >= 5 and len(self._answer) >= (
            end := 5 + int.from_bytes(self._answer[1:5], "big")
        ):
            yield bytes(self._answer[5:end])
            del self._answer[:end]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self._answer += payload
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if stream:
                self._stream += more
            else:
                self._connection += more
        elif kind == SETTINGS and not flags & ACK:
            self._settle(payload)
            self._out += frame(SETTINGS, ACK, 0, b"")
        elif kind == PING and not flags & ACK:
            self._out += frame(PING, ACK, 0, payload)
        elif kind in (RST_STREAM, GOAWAY) or (kind == HEADERS and flags & 1):
            raise RefusedError(f"the stream was ended: frame {kind}, {payload!r}")

    def _settle(self, payload: bytes) -> None:
        """A new initial window is also that of the stream that is open (RFC 9113, 6.9.2)."""
        for at in range(0, len(payload), 6):
            if int.from_bytes(payload[at : at + 2], "big") == INITIAL_WINDOW_SIZE:
                initial = int.from_bytes(payload[at + 2 : at + 6], "big")
                self._stream += initial - self._initial
                self._initial = initial
