"""HTTP/1.1 as bytes, for what a client library would not send."""

import re
import socket

from tests.integration.edge.bench import HOST, Running


def raw(edge: Running, data: bytes, patience: float = 10.0) -> bytes:
    """What comes back for these bytes over plain HTTP: see `answer`."""
    with socket.create_connection((HOST, edge.deployment.listen.port), 5) as connection:
        connection.sendall(data)
        return answer(connection, patience)


def answer(connection: socket.socket, patience: float = 10.0) -> bytes:
    """One whole answer, or what there is when the edge closes or is silent for `patience` seconds.

    Not until the close alone: Envoy waits a second for the caller's.
    """
    connection.settimeout(patience)
    received = b""
    try:
        while not _whole(received) and (part := connection.recv(65536)):
            received += part
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def _whole(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return length is not None and len(body) >= int(length[1])


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


def get(path: str, token: str = "", *headers: str) -> bytes:
    """A request for one answer."""
    lines = [f"GET {path} HTTP/1.1", "host: localhost", "connection: close", *headers]
    if token:
        lines.append(f"authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
