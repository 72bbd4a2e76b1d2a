"""Passes connections from loopback on to the other containers.

The steps that provide the platform find every part on 127.0.0.1, as on a developer's machine.
Inside a container the same ports lead to the containers that hold the parts, so that the steps
are the same code with the same addresses.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

Target = tuple[str, int]
"""Host and port."""

Connections = dict[asyncio.Task[None] | None, tuple[StreamWriter, StreamWriter]]
"""Those that are open, by the task that holds each."""

CHUNK = 65536


def parse(text: str) -> dict[int, Target]:
    """Read "5432=postgres:5432, 8180=keycloak:8080": port on loopback -> where it leads."""
    pairs = (word.strip().partition("=") for word in text.split(",") if word.strip())
    return {int(port): _target(target) for port, _, target in pairs}


@asynccontextmanager
async def forwarding(routes: Mapping[int, Target]) -> AsyncIterator[None]:
    """Listen on 127.0.0.1 for as long as the block runs, then cut what is still connected.

    Raises OSError for a taken port.
    """
    connections: Connections = {}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_cut, connections)
        for port, target in routes.items():
            server = await asyncio.start_server(_to(target, connections), "127.0.0.1", port)
            stack.callback(server.close)
        yield


def _target(text: str) -> Target:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _to(
    target: Target, connections: Connections
) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*target)
        except OSError:
            # The caller sees a connection that leads nowhere, and tries again as it would there.
            writer.close()
            return
        task = asyncio.current_task()
        connections[task] = (writer, back)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, back))
                both.create_task(_pump(there, writer))
        except* OSError:
            pass  # One side is gone; closing tells the other.
        finally:
            back.close()
            writer.close()
            del connections[task]

    return connected


async def _cut(connections: Connections) -> None:
    """Not by cancelling: asyncio's servers report a cancelled connection as an error."""
    for writers in connections.values():
        for writer in writers:
            writer.transport.abort()
    await asyncio.gather(*(task for task in connections if task))


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    while chunk := await source.read(CHUNK):
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()
