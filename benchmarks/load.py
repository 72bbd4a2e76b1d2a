"""`python -m benchmarks.load`: callers that call as fast as they are answered, for some seconds.

A process of its own, so that what it costs is not taken from what it measures. It imports the
standard library alone. The plan comes as JSON on standard input, the figures go out as JSON.
"""

import itertools
import json
import selectors
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.wire import Connection, Http1, Http2

WARM_UP = 0.3
"""Seconds before anything counts: connections open, tokens are verified for the first time."""
PATIENCE = 10.0
"""Seconds without any answer, after which it is given up."""
RECEIVE = 65_536
NUMBER = "0" * 12
"""Stands in a message where each request has a number of its own, as text."""
Body = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to call.

    `protocol`: "grpc", "grpc-web" or "rest" over HTTP/2, "rest1" over HTTP/1.1. `tokens`: one a
    caller, and so the number of them. `body`: the protobuf message in hex; `NUMBER` in it becomes a
    number that no other request has, of this load or of others. `holds`: what every answer holds;
    one without is a failure. `ca`: file with the certificate authority, for TLS.
    """

    host: str
    port: int
    protocol: str
    path: str
    tokens: Sequence[str]
    holds: str
    seconds: float
    body: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen: `calls` answered in `seconds`; `median` of their times in milliseconds.

    `all_calls` has those of the warm-up too.
    """

    calls: int
    seconds: float
    median: float
    all_calls: int


@dataclass(slots=True)
class Caller:
    """One connection with one call under way since `began`."""

    socket: socket.socket
    connection: Connection
    began: float = 0.0

    def call(self) -> None:
        """Begin a call."""
        self.began = time.perf_counter()
        self.socket.sendall(self.connection.request())


def run(plan: Plan) -> Figures:
    """Call until the time is up. Raises RefusedError, or ValueError for an answer that is none."""
    # From the microseconds of now on: nobody sends so many that a later load meets them.
    body = bodies(plan.body, itertools.count(time.time_ns() // 1000 % 10**12))
    with selectors.DefaultSelector() as selector, ExitStack() as sockets:
        for token in plan.tokens:
            connected = sockets.enter_context(_open(plan))
            caller = Caller(connected, PROTOCOLS[plan.protocol](plan, token, body))
            selector.register(caller.socket, selectors.EVENT_READ, caller)
            caller.call()
        warm = _rounds(selector, plan, WARM_UP)
        began = time.perf_counter()
        times = _rounds(selector, plan, plan.seconds)
        seconds = time.perf_counter() - began
    return Figures(len(times), seconds, 1000 * median(times), len(warm) + len(times))


def _rounds(selector: selectors.BaseSelector, plan: Plan, seconds: float) -> list[float]:
    """Seconds of each call that was answered within this time; of one at least."""
    until = time.perf_counter() + seconds
    holds, times = plan.holds.encode(), list[float]()
    while time.perf_counter() < until or not times:
        ready = selector.select(PATIENCE)
        if not ready:
            raise ValueError(f"no answer in {PATIENCE:g} s")
        for key, _ in ready:
            caller: Caller = key.data
            answer = _answer(caller)
            if answer is None:
                continue
            if holds not in answer:
                raise ValueError(f"an answer of {len(answer)} bytes without {plan.holds!r}")
            times.append(time.perf_counter() - caller.began)
            caller.call()
    return times


def _answer(caller: Caller) -> bytes | None:
    """The body, if it is complete."""
    data = caller.socket.recv(RECEIVE)
    if not data:
        raise ValueError("the connection was closed")
    # What TLS has decrypted already is nothing that a selector would wake for.
    while isinstance(caller.socket, ssl.SSLSocket) and caller.socket.pending():
        data += caller.socket.recv(RECEIVE)
    answer = caller.connection.feed(data)
    if owed := caller.connection.owed():
        caller.socket.sendall(owed)
    return answer


def _open(plan: Plan) -> socket.socket:
    plain = socket.create_connection((plan.host, plan.port), timeout=10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not plan.ca:
        return plain
    context = ssl.create_default_context(cafile=plan.ca)
    context.set_alpn_protocols(["http/1.1" if plan.protocol == "rest1" else "h2"])
    return context.wrap_socket(plain, server_hostname="localhost")


def _authority(plan: Plan) -> str:
    return f"localhost:{plan.port}"


def _http2(plan: Plan, token: str, method: str, **headers: str) -> list[tuple[str, str]]:
    scheme = "https" if plan.ca else "http"
    pseudo = [(":method", method), (":scheme", scheme), (":authority", _authority(plan))]
    more = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return [*pseudo, (":path", plan.path), *more, ("authorization", f"Bearer {token}")]


def _grpc(plan: Plan, token: str, body: Body) -> Connection:
    headers = _http2(plan, token, "POST", content_type="application/grpc", te="trailers")
    return Http2(headers, body)


def _grpc_web(plan: Plan, token: str, body: Body) -> Connection:
    kind = "application/grpc-web+proto"
    headers = _http2(plan, token, "POST", content_type=kind, accept=kind, x_grpc_web="1")
    return Http2(headers, body)


def _rest(plan: Plan, token: str, _body: Body) -> Connection:
    return Http2(_http2(plan, token, "GET", accept="application/json"))


def _rest1(plan: Plan, token: str, _body: Body) -> Connection:
    headers = [("host", _authority(plan)), ("accept", "application/json")]
    return Http1("GET", plan.path, [*headers, ("authorization", f"Bearer {token}")])


def bodies(message: str, numbers: Iterator[int]) -> Body:
    """What makes a message as gRPC sends it: not compressed, and its length first."""
    raw = bytes.fromhex(message)
    framed, number = b"\0" + len(raw).to_bytes(4, "big") + raw, NUMBER.encode()
    if number not in raw:
        return lambda: framed
    return lambda: framed.replace(number, b"%012d" % next(numbers))


PROTOCOLS: Mapping[str, Callable[[Plan, str, Body], Connection]] = {
    "grpc": _grpc,
    "grpc-web": _grpc_web,
    "rest": _rest,
    "rest1": _rest1,
}


def main() -> int:
    """Read the plan, call, print."""
    plan: dict[str, Any] = json.load(sys.stdin)
    print(json.dumps(asdict(run(Plan(**plan)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
