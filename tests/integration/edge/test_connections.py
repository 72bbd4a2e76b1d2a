"""Connections that are held and not used: cut soon, and each listener has room of its own."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import httpx
import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.listener.v3.listener_pb2 import Listener

from gateway.deployments import Limits
from tests.integration.edge.bench import HOST, Running, until
from tests.integration.edge.conftest import Start
from tests.integration.edge.settings.edits import edited
from tests.integration.edge.test_tls import connected, trusting
from tests.integration.edge.wire import answer, get, raw, status

FEW = 5
SOON = Limits(connections=FEW, headers_time=1)
HALF_A_HANDSHAKE = b"\x16\x03\x01\x02\x00\x01\x00"


def held(port: int, count: int, first: bytes = b"") -> Iterator[socket.socket]:
    for _ in range(count):
        connection = socket.create_connection((HOST, port), 5)
        connection.sendall(first)
        yield connection


def is_cut(port: int, first: bytes, patience: float) -> bool:
    """Whether the edge closes a connection that says this and no more."""
    begun = time.monotonic()
    with closing(next(held(port, 1, first))) as connection:
        answer(connection, patience)
    return time.monotonic() - begun < patience


def ports(edge: Running) -> tuple[int, int]:
    return edge.deployment.listen.port, edge.tls_port


def test_who_says_nothing_is_cut_within_seconds(edge: Running) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(next(held(port, 1, first))))
            for port in ports(edge)
            for first in (b"", b"GET /heal", HALF_A_HANDSHAKE)
        ]
        for one in connections:
            answer(one, 30)
    assert time.monotonic() - begun < 14  # Envoy's own limit is 15 s


def without_first_line(listener: Listener) -> None:
    del listener.listener_filters[:]


def without_handshake_time(listener: Listener) -> None:
    listener.filter_chains[0].ClearField("transport_socket_connect_timeout")


@pytest.mark.parametrize(
    ("edit", "encrypted"), [(without_first_line, False), (without_handshake_time, True)]
)
def test_who_says_nothing_stays_without_either_setting(
    start: Start, edit: Callable[[Listener], None], encrypted: bool
) -> None:
    edge = start(edited("listener", edit), limits=SOON)
    assert [is_cut(port, b"", 3) for port in ports(edge)] == [encrypted, not encrypted]


def fill(edge: Running, stack: ExitStack, port: int) -> None:
    for one in held(port, 3 * FEW, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"):
        stack.enter_context(closing(one))
    assert until(lambda: sum(edge.stats("cx_overflow").values()) > 0)


def is_served_over_tls(edge: Running) -> bool:
    try:
        with connected(edge, trusting(edge)) as connection:
            connection.sendall(get("/healthz"))
            return status(answer(connection)) == 200
    except OSError:
        return False


def room_over_tls(edge: Running) -> int:
    """How many connections can be open at once."""
    taken = 0
    with ExitStack() as stack, suppress(OSError):
        for _ in range(2 * FEW):
            stack.enter_context(connected(edge, trusting(edge)))
            taken += 1
    return taken


def test_who_fills_one_listener_leaves_the_other_and_the_admin_page(start: Start) -> None:
    edge = start(limits=Limits(connections=FEW))
    with ExitStack() as stack:
        fill(edge, stack, edge.deployment.listen.port)
        assert room_over_tls(edge) >= FEW - 1
        assert until(lambda: is_served_over_tls(edge))
        admin = f"http://{HOST}:{edge.deployment.admin.port}/ready"
        assert {httpx.get(admin).status_code for _ in range(3)} == {200}
    assert until(lambda: is_served(edge))


def one_room_for_all(process: Bootstrap) -> None:
    connections = process.overload_manager.resource_monitors[1].typed_config
    connections.value = connections.value[:1] + bytes([FEW])


def test_who_fills_one_listener_fills_the_other_where_they_share_the_room(start: Start) -> None:
    edge: Running = start(edited("process", one_room_for_all), limits=Limits(connections=FEW))
    with ExitStack() as stack:
        fill(edge, stack, edge.deployment.listen.port)
        assert room_over_tls(edge) <= FEW // 2


def test_silent_connections_give_their_room_back(start: Start) -> None:
    edge = start(limits=SOON)
    with ExitStack() as stack:
        for port in ports(edge):
            for one in held(port, 2 * FEW):
                stack.enter_context(closing(one))
        assert until(lambda: is_served(edge) and is_served_over_tls(edge))


def is_served(edge: Running) -> bool:
    try:
        return raw(edge, get("/healthz")).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
