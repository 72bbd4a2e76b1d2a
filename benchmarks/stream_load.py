"""`python -m benchmarks.stream_load`: one stream of PublishEvents, as fast as it is acknowledged.

A process of its own, on the standard library alone, as `benchmarks.load`.
"""

import itertools
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.load import NUMBER, PATIENCE, RECEIVE, WARM_UP
from benchmarks.upload import Upload

AHEAD = 2048
"""Events that are not acknowledged yet, at most."""
PORTION = 64
"""Events of one write at most."""
PATH = "/causeway.bridge.v1.EventService/PublishEvents"


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Where to, as whom, and the event in hex, in which `NUMBER` is another number each time."""

    host: str
    port: int
    token: str
    event: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`events` acknowledged in `seconds`; `all_events` has those of the warm-up too."""

    events: int
    seconds: float
    all_events: int


def requests(event: str, numbers: Iterator[int]) -> Iterator[bytes]:
    """Lay out one PublishEventsRequest after the other as gRPC sends them."""
    raw, number = bytes.fromhex(event), NUMBER.encode()
    tail = b"\x12" + varint(len(raw)) + raw
    for sequence in itertools.count(1):
        message = b"\x08" + varint(sequence) + tail.replace(number, b"%012d" % next(numbers))
        yield b"\0" + len(message).to_bytes(4, "big") + message


def varint(value: int) -> bytes:
    """Lay out a number as protobuf does."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def up_to(answer: bytes) -> int:
    """Read the one field of a PublishEventsResponse."""
    if answer[:1] != b"\x08":
        raise ValueError(f"no acknowledgement: {answer!r}")
    return sum((byte & 127) << 7 * at for at, byte in enumerate(answer[1:]))


class Publisher:
    """One connection with one stream; `acknowledged` counts."""

    def __init__(self, plan: StreamPlan, connected: socket.socket) -> None:
        self._socket = connected
        self._upload = Upload(
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":authority", f"localhost:{plan.port}"),
                (":path", PATH),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("authorization", f"Bearer {plan.token}"),
            ]
        )
        self._requests = requests(plan.event, itertools.count(time.time_ns() // 1000 % 10**12))
        self._sent = 0
        self._pending = b""
        self.acknowledged = 0

    def run(self, seconds: float) -> None:
        """Publish for some seconds; the last answers may come after the next call."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._fill()
            self._pending += self._upload.outgoing()
            writing = [self._socket] if self._pending else []
            readable, writable, _ = select.select([self._socket], writing, [], PATIENCE)
            if not readable and not writable:
                raise ValueError(f"no answer in {PATIENCE:g} s")
            if writable:
                self._pending = self._pending[self._socket.send(self._pending) :]
            if readable:
                self._receive()

    def _fill(self) -> None:
        room = min(AHEAD - (self._sent - self.acknowledged), PORTION)
        if room > 0 and not self._upload.held:
            self._upload.write(b"".join(itertools.islice(self._requests, room)))
            self._sent += room

    def _receive(self) -> None:
        data = self._socket.recv(RECEIVE)
        if not data:
            raise ValueError("the connection was closed")
        for answer in self._upload.feed(data):
            self.acknowledged = up_to(answer)


def run(plan: StreamPlan) -> Acknowledged:
    """Publish until the time is up. Raises RefusedError, or ValueError for what is no answer."""
    with socket.create_connection((plan.host, plan.port), timeout=10) as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(False)
        publisher = Publisher(plan, connected)
        publisher.run(WARM_UP)
        before, began = publisher.acknowledged, time.perf_counter()
        publisher.run(plan.seconds)
        seconds = time.perf_counter() - began
    after = publisher.acknowledged
    return Acknowledged(after - before, seconds, after)


if __name__ == "__main__":
    print(json.dumps(asdict(run(StreamPlan(**json.load(sys.stdin))))))
