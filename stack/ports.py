"""Are the ports free? Asked before anything is started, so that nothing is half-left."""

import errno
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from stack.errors import Code, StackError
from stack.settings import REPLICAS, setting_of, variable_of


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port; pid None when it may not be seen."""

    pid: int | None
    program: str

    def __str__(self) -> str:
        return self.program if self.pid is None else f"process {self.pid} ({self.program})"


def require_free(ports: Mapping[str, int], offset: int = 0) -> None:
    """Raise StackError PORT_TAKEN when one of `ports` (name -> port) can't be listened on.

    `offset` is what moved them all; the message names one under which all are free.
    """
    _require_distinct(ports)
    taken = {name: port for name, port in ports.items() if not is_free(port)}
    if not taken:
        return
    listeners = _listeners()
    lines = [
        f"port {port} is held by {listeners.get(port, _UNSEEN)}; {variable_of(name)} moves it"
        for name, port in taken.items()
    ]
    first = next(iter(taken))
    raise StackError(
        Code.PORT_TAKEN,
        lines[0],
        f"{variable_of(first)}={_free_base(ports, first)} causeway up" + _move_all(ports, offset),
        detail="\n".join(lines[1:]),
    )


def _move_all(ports: Mapping[str, int], offset: int) -> str:
    last = min(50000 - offset, 65535 - REPLICAS - max(ports.values()))
    for step in range(1000, last + 1, 1000):
        if all(is_free(port + step) for port in ports.values()):
            return f"   (or move all of them: CAUSEWAY_PORT_OFFSET={offset + step} causeway up)"
    return ""


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    # macOS lets 127.0.0.1 be bound beside a listener on 0.0.0.0, so both are asked there.
    every = ("127.0.0.1", "0.0.0.0")  # noqa: S104 (probes, closed at once)
    hosts = every[:1] if sys.platform == "linux" else every
    return all(_can_bind(host, port) for host in hosts)


def _can_bind(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As every server here does: a connection in TIME_WAIT does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


_UNSEEN = Holder(None, "a process of another user")


def _listeners() -> dict[int, Holder]:
    """Port -> holder. Also local ports of outgoing connections, which block a bind as well."""
    found: dict[int, Holder] = {}
    for pid, port, listening in _sockets():
        if listening or port not in found:
            found[port] = Holder(pid, _program(pid)) if pid else _UNSEEN
    return found


def _sockets() -> list[tuple[int | None, int, bool]]:
    try:
        return [
            (item.pid, item.laddr.port, item.status == psutil.CONN_LISTEN)
            for item in psutil.net_connections("tcp")
            if item.laddr
        ]
    except psutil.AccessDenied:  # macOS asks for root; the processes of this user can be read
        return _sockets_of_own_processes()


def _sockets_of_own_processes() -> list[tuple[int | None, int, bool]]:
    found: list[tuple[int | None, int, bool]] = []
    for process in psutil.process_iter():
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        found += [
            (process.pid, item.laddr.port, item.status == psutil.CONN_LISTEN)
            for item in connections
            if item.laddr
        ]
    return found


def _program(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "unknown program"


def _require_distinct(ports: Mapping[str, int]) -> None:
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise StackError(
                Code.SETTING_INVALID,
                f"{variable_of(seen[port])} and {variable_of(name)} are both {port}",
                f"{variable_of(name)}={_free_base(ports, name)} causeway up",
                usage=True,
            )
        seen[port] = name


def _free_base(ports: Mapping[str, int], name: str) -> int:
    """A value for the setting of port `name` with which all replicas that follow it are free."""
    setting = setting_of(name)
    moved = [port for other, port in ports.items() if setting_of(other) == setting]
    kept = {port for other, port in ports.items() if setting_of(other) != setting}
    base, last = min(moved), max(moved)

    def fits(step: int) -> bool:
        return all(port + step not in kept and is_free(port + step) for port in moved)

    steps = range(1, min(500, 65536 - last))
    return next((base + step for step in steps if fits(step)), base)
