"""Asks an HTTP server one question, as a readiness probe."""

from http import HTTPStatus

import anyio

LIMIT = 1.0
"""Seconds for the whole exchange."""


async def get(port: int, path: str) -> str:
    """What `path` answers with 200; raise ConnectionError when it answers anything else.

    Over a plain socket: a client library would cost every start its import.
    """
    # HTTP/1.1 because Envoy refuses 1.0.
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    answer = b""
    with anyio.fail_after(LIMIT):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(request.encode())
            try:
                while True:
                    answer += await stream.receive()
            except anyio.EndOfStream:
                pass
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/") else 0
    if status != HTTPStatus.OK:
        raise ConnectionError(f"{path} answers {status}: {body[:200].decode(errors='replace')}")
    return body.decode(errors="replace")
