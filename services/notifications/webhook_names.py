"""Looks host names up, in threads of its own: who runs a slow name server slows nobody's mail."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text, in the order in which to try them; OSError if there are
none."""

ASK_ONCE = "timeout:1 attempts:1"
"""For glibc (resolv.conf(5)): one second for each name server, asked once. Its own 5 s and two
attempts hold a thread long after the post that waited for it is given up."""


def ask_once(environment: MutableMapping[str, str]) -> None:
    """Bound the look-ups of this process, unless its `RES_OPTIONS` are set already.

    Before the first one: glibc reads them then, and keeps what it read for all threads.
    """
    environment.setdefault("RES_OPTIONS", ASK_ONCE)


def resolver(threads: Executor) -> Resolve:
    """The system's resolver; the caller closes `threads`."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
        return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in found))

    return resolve
