"""Looks host names up, in threads of its own: who runs a slow name server slows nobody's mail."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text, in the order in which to try them; OSError if there are
none."""


def resolver(threads: Executor) -> Resolve:
    """The system's resolver; the caller closes `threads`."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
        return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in found))

    return resolve
