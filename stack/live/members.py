"""The replicas behind the running edge: put in, taken out, and known to be free of calls."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import anyio
import psutil

from gateway.deployments import Address
from gateway.envoy import files, live, running
from gateway.errors import RefusedConfiguration
from stack import addresses
from stack.errors import Code, StackError

HEALTHY = 15.0
"""Seconds in which the edge must find a new replica healthy; it asks at once."""
SETTLE = 0.5
"""Seconds between the edge's last call to a replica and that replica's end."""


@dataclass(frozen=True, slots=True)
class Balancer:
    """The edge that runs on `root` and has its admin address at `admin`."""

    root: Path
    admin: Address

    async def send(self, area: str, ports: Iterable[int]) -> None:
        """Have the edge send calls of `area` to these local ports alone, once they are healthy.

        Raises StackError EDGE_REFUSED where Envoy does not find them healthy or refuses them.
        """
        members = tuple(Address(addresses.HOST, port) for port in sorted(ports))
        await anyio.to_thread.run_sync(self._send, area, members)

    def _send(self, area: str, members: tuple[Address, ...]) -> None:
        try:
            with files.held(self.root):
                texts = live.with_members(files.read(self.root), area, members)
                live.change(self.root, texts, self.admin)
            _await_healthy(self.admin, area, len(members))
        except (RefusedConfiguration, OSError) as error:
            raise StackError(
                Code.EDGE_REFUSED, f"the replicas of {area}: {error}", "causeway logs edge"
            ) from error


def _await_healthy(admin: Address, area: str, count: int) -> None:
    deadline = time.monotonic() + HEALTHY
    while (found := running.healthy(admin, area)) != count:
        if time.monotonic() > deadline:
            raise RefusedConfiguration(f"{found} of {count} are healthy for the edge")
        time.sleep(0.05)


async def drained(port: int, pid: int, patience: float, say: Callable[[str], None]) -> bool:
    """Wait until no call reaches a process at `port` any more; False when time is over.

    The edge closes its connection to a replica that it no longer has as soon as the last call on
    it, stream or not, has ended.
    """
    await anyio.sleep(SETTLE)
    told, deadline = False, time.monotonic() + patience
    while (count := await anyio.to_thread.run_sync(_connections, port, pid)) > 0:
        if time.monotonic() > deadline:
            return False
        if not told:
            say(f"port {port}: calls are still open; they may end by themselves for {patience:g} s")
        told = True
        await anyio.sleep(0.2)
    return count == 0


def _connections(port: int, pid: int) -> int:
    try:
        found = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return 0  # it has ended by itself
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port
        for one in found
        if one.laddr
    )
