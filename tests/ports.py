"""Ports for the servers of tests: each process that runs tests has a block to itself.

Between the ports of a platform without an offset and those of the tests' platforms, and below the
ports that systems give to outgoing connections.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import cycle

HOST = "127.0.0.1"
BLOCKS = range(10_500, 16_000, 500)
"""The first port of each: nobody is told it, whoever listens on it has the block."""


def free_port() -> int:
    """A port that nothing listens on, and that no other process of tests is told."""
    return next(port for port in _own()[1] if _is_free(port))


@cache
def _own() -> tuple[socket.socket, Iterator[int]]:
    """The guard of this process's block, held until it ends, and its ports, over and over."""
    for first in BLOCKS:
        with suppress(OSError):
            guard = socket.create_server((HOST, first))
            return guard, cycle(range(first + 1, first + BLOCKS.step))
    raise RuntimeError(f"{len(BLOCKS)} processes run tests already: end some of them")


def _is_free(port: int) -> bool:
    # As a server that does not say SO_REUSEADDR: it minds connections that have just ended.
    with socket.socket() as probe, suppress(OSError):
        probe.bind((HOST, port))
        return True
    return False
