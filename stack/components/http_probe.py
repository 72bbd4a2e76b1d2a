"""Asks an HTTP server one question, as a readiness probe."""

import re
import ssl
from http import HTTPStatus
from pathlib import Path

import anyio
from anyio.abc import ByteStream

LIMIT = 1.0
"""Seconds for the whole exchange."""


async def get(port: int, path: str) -> str:
    """What `path` answers with 200; raise ConnectionError when it answers anything else.

    Over a plain socket: a client library would cost every start its import.
    """
    with anyio.fail_after(LIMIT):
        return await _asked(await anyio.connect_tcp("127.0.0.1", port), port, path)


async def get_tls(port: int, path: str, authority: Path) -> str:
    """The same over TLS, from a server whose certificate this authority signed.

    Raises ssl.SSLError, which says what is wrong with the certificate.
    """
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(authority)
    with anyio.fail_after(LIMIT):
        stream = await anyio.connect_tcp(
            "127.0.0.1", port, ssl_context=trusted, tls_standard_compatible=False
        )
        return await _asked(stream, port, path)


async def _asked(connection: ByteStream, port: int, path: str) -> str:
    # HTTP/1.1 because Envoy refuses 1.0.
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    answer = b""
    async with connection as stream:
        await stream.send(request.encode())
        # Not until its end: Envoy closes a second after an answer (`delayed_close_timeout`).
        while not _whole(answer):
            try:
                answer += await stream.receive()
            except anyio.EndOfStream:
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/") else 0
    if status != HTTPStatus.OK:
        raise ConnectionError(f"{path} answers {status}: {body[:200].decode(errors='replace')}")
    return body.decode(errors="replace")


def _whole(answer: bytes) -> bool:
    """Whether an answer that says its length is all there."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return length is not None and bool(found) and len(body) >= int(length[1])
