"""A customer's server in the test's own loop: real HTTP, that answers as it is told, or worse."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HANG, RESET, GARBAGE, ENDLESS = "hang", "reset", "garbage", "endless"


@dataclass(frozen=True, slots=True)
class Post:
    """What came: `line` as sent, header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None


@dataclass
class HookServer:
    """What it got, and what it answers next: a status, with headers behind it, or a misbehaviour.
    204 when nothing is left."""

    answers: list[str] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    port: int = 0
    server_name: str | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?a=b"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, EOFError):
                await self._answer(await self._read(reader), writer)
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = (line.split(": ", 1) for line in head[1:-2])
        headers = {name.lower(): value for name, value in fields}
        body = await reader.readexactly(int(headers["content-length"]))
        self.posts.append(Post(head[0], headers, body, self.server_name))
        return self.answers.pop(0) if self.answers else "204"

    async def _answer(self, answer: str, writer: asyncio.StreamWriter) -> None:
        if answer == HANG:
            await asyncio.sleep(60)
        elif answer == RESET:
            writer.transport.abort()
        elif answer == GARBAGE:
            writer.write(b"220 mail.example ESMTP\r\n")
        elif answer == ENDLESS:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n")
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        else:
            status, *headers = answer.split("\n")
            lines = [f"HTTP/1.1 {status} Any", "content-length: 0", *headers, "", ""]
            writer.write("\r\n".join(lines).encode())
        await writer.drain()


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[HookServer]:
    """Run one on 127.0.0.1, on a free port unless told."""
    hooks = HookServer()
    serving = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        await hooks.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    hooks.port = server.sockets[0].getsockname()[1]
    try:
        yield hooks
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
