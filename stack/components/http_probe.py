"""Asks an HTTP server one question, as a readiness probe."""

from http import HTTPStatus

import anyio

LIMIT = 1.0
"""Seconds for the whole exchange."""


async def get(port: int, path: str) -> str:
    """The body of the answer; raises ConnectionError unless the status is 200.

    HTTP/1.0 over a plain socket: a client library would cost every start its import.
    """
    with anyio.fail_after(LIMIT):
        stream = await anyio.connect_tcp("127.0.0.1", port)
        async with stream:
            await stream.send(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            answer = b""
            try:
                while True:
                    answer += await stream.receive()
            except anyio.EndOfStream:
                pass
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/") else 0
    if status != HTTPStatus.OK:
        raise ConnectionError(f"{path} answers {status}: {body[:200].decode(errors='replace')}")
    return body.decode()
