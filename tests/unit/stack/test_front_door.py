"""The edge is asked whether calls would be answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stack.provision import front_door


@asynccontextmanager
async def _edge(*answers: str) -> AsyncIterator[int]:
    """An admin port that gives these answers, the last one for ever; yields the port."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = left.pop(0) if len(left) > 1 else left[0]
        writer.write(f"HTTP/1.1 200 OK\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


KEYS = f"{front_door.KEYS}: 1\n"
BOTH = "cluster.orders.membership_healthy: 2\ncluster.users.membership_healthy: 1\n"


async def test_it_is_open_once_there_are_keys_and_a_replica_of_each_service() -> None:
    without = BOTH.replace("users.membership_healthy: 1", "users.membership_healthy: 0")
    async with _edge("", KEYS, KEYS + without, BOTH, KEYS + BOTH) as port:
        await front_door.opened(port, ["orders", "users"])


async def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_door, "PATIENCE", 0.3)
    async with _edge(KEYS) as port:
        with pytest.raises(TimeoutError, match=r"cluster\.orders\.membership_healthy"):
            await front_door.opened(port, ["orders"])
