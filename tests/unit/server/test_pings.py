"""Pings over a quiet connection, which find a peer that is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.server import serve
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from client.platform import OPTIONS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
PING = b"\0\0\x08\x06\0\0\0\0\0" + b"causeway"
PINGS, GOAWAY, ACK = 6, 7, 1
COUNT = 6
"""More than the strikes that a peer has."""


@asynccontextmanager
async def connected(
    settings: ServerSettings,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = Server({}, settings)
    await server.start("127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(PREFACE)
    yield reader, writer
    writer.close()
    await server.drain()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The next frame that answers a ping, or ends the connection: its payload."""
    while True:
        head = await asyncio.wait_for(reader.readexactly(9), 5)
        payload = await reader.readexactly(int.from_bytes(head[:3]))
        if head[3] == GOAWAY or (head[3] == PINGS and head[4] & ACK):
            return payload


async def pinged(settings: ServerSettings, pause: float) -> bytes:
    """The last answer to a number of pings, or the first that is none."""
    answer = b""
    async with connected(settings) as (reader, writer):
        for _ in range(COUNT):
            await asyncio.sleep(pause)
            writer.write(PING)
            if (answer := await answered(reader)) != b"causeway":
                break
    return answer


async def test_a_quiet_connection_may_be_pinged_as_often_as_the_server_says(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PING_INTERVAL_MS", 50)
    assert await pinged(settings, 0.1) == b"causeway"


async def test_who_pings_more_often_is_sent_away(settings: ServerSettings) -> None:
    assert b"too_many_pings" in await pinged(settings, 0)


def test_the_client_pings_less_often_than_it_may() -> None:
    assert dict(OPTIONS)["grpc.keepalive_time_ms"] >= 2 * serve.PING_INTERVAL_MS
