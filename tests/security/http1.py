"""HTTP/1.1 as bytes: for what a client library would refuse to send."""

import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
Headers = tuple[tuple[str, str], ...]
DEFAULT: Headers = (("host", "localhost"),)


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 stands for a connection that was closed without one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


CLOSED = Answer(0)


def request(verb: str, target: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """A request; its length is added unless the headers say how long it is."""
    given = {name.lower() for name, _ in headers}
    head = [*(DEFAULT if "host" not in given else ()), *headers]
    if body is not None and not given & {"content-length", "transfer-encoding"}:
        head.append(("content-length", str(len(body))))
    lines = [f"{verb} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + (body or b"")


def exchange(port: int, *parts: bytes, patience: float = 10.0, pause: float = 0.0) -> bytes:
    """All that comes back until the peer closes or has been silent for `patience` seconds."""
    with socket.create_connection((HOST, port), 5) as connection:
        try:
            for number, part in enumerate(parts):
                time.sleep(pause if number else 0)
                connection.sendall(part)
        except OSError:
            pass  # Closed while we were sending: what it said before is still to be read.
        return _received(connection, patience)


def _received(connection: socket.socket, patience: float) -> bytes:
    connection.settimeout(patience)
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except OSError:
        pass
    return received


def send(
    port: int, verb: str, target: str, headers: Headers = (), body: bytes | None = None
) -> Answer:
    """One request on a connection of its own, and its answer."""
    closing = (*headers, ("connection", "close"))
    return first(exchange(port, request(verb, target, closing, body)))


def first(received: bytes) -> Answer:
    """The first answer, CLOSED where there is none."""
    return next(iter(answers(received)), CLOSED)


def answers(received: bytes) -> Iterable[Answer]:
    """Every answer that came on one connection, in order."""
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(_pair(line) for line in lines[1:])
        body, received = _body(headers, rest)
        yield Answer(int(lines[0].split(" ", 2)[1]), headers, body)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _body(headers: dict[str, str], rest: bytes) -> tuple[bytes, bytes]:
    """The body of an answer and what comes after it."""
    if headers.get("transfer-encoding") == "chunked":
        return _chunks(rest)
    size = int(headers.get("content-length", 0))
    return rest[:size], rest[size:]


def _chunks(rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line, 16)
        body, rest = body + rest[:size], rest[size + 2 :]
        if not size:
            break
    return body, rest
