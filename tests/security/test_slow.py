"""Callers that begin and do not go on: each is cut, and none keeps others waiting."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.deployments import Limits
from gateway.model import Model
from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import Ports, bearer
from tests.security.conftest import ORDER, Target, attacked

CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"
Attack = Callable[[Ports, str], "int | None"]
"""Returns HTTP's status, 0 for a reset or closed connection, None for one that still waits."""


def half_a_head(ports: Ports, token: str) -> int | None:
    return over_1(ports, b"GET /v1/orders/7 HTTP/1.1\r\nhost: localhost\r\n")


def a_header_a_second(ports: Ports, token: str) -> int | None:
    return over_1(ports, b"GET /v1/orders/7 HTTP/1.1\r\n", *[b"x: y\r\n"] * 9)


def a_letter_a_second(ports: Ports, token: str) -> int | None:
    return over_1(ports, *[bytes([letter]) for letter in b"GET /v1/or"])


def an_open_header_block(ports: Ports, token: str) -> int | None:
    def begin(connection: http2.Connection) -> int:
        stream = connection.next_stream()
        block = connection.encode(http2.pseudo("GET", ORDER.rest))
        connection.write(http2.frame(http2.HEADERS, http2.END_STREAM, stream, block))
        return stream

    return over_2(ports, begin)


SLOW_HEADERS: list[Attack] = [
    half_a_head,
    a_header_a_second,
    a_letter_a_second,
    an_open_header_block,
]


def no_body(ports: Ports, token: str) -> int | None:
    return over_1(ports, begun(token, "content-length: 100"))


def a_byte_a_second(ports: Ports, token: str) -> int | None:
    return over_1(ports, begun(token, "content-length: 100"), *[b" "] * 25)


def a_chunk_a_second(ports: Ports, token: str) -> int | None:
    return over_1(ports, begun(token, "transfer-encoding: chunked"), *[b"1\r\n \r\n"] * 25)


def no_message(ports: Ports, token: str) -> int | None:
    return over_2(ports, lambda connection: connection.open(unary(token), end=False))


def half_a_message(ports: Ports, token: str) -> int | None:
    def begin(connection: http2.Connection) -> int:
        stream = connection.open(unary(token), end=False)
        connection.send(stream, b"\0\0\0\0\x20half", end=False)
        return stream

    return over_2(ports, begin)


SLOW_BODIES: list[Attack] = [
    no_body,
    a_byte_a_second,
    a_chunk_a_second,
    no_message,
    half_a_message,
]


def begun(token: str, length: str) -> bytes:
    lines = ("POST /v1/orders/7:cancel HTTP/1.1", "host: localhost", length,
             "content-type: application/json", f"authorization: Bearer {token}")  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def unary(token: str) -> list[tuple[str, str]]:
    kind = ("content-type", "application/grpc")
    return [*http2.pseudo("POST", CANCEL), kind, *bearer(token)]


def over_1(ports: Ports, *parts: bytes) -> int | None:
    begun = time.monotonic()
    received = http1.exchange(ports.edge, *parts, patience=20, pause=1)
    return http1.first(received).status if time.monotonic() - begun < 30 else None


def over_2(ports: Ports, begin: Callable[[http2.Connection], int]) -> int | None:
    with http2.Connection(ports.edge, patience=20) as connection:
        reply = connection.reply(begin(connection))
        ended = reply.status or reply.reset is not None or reply.closed
        return reply.status if ended else None


def outcomes(target: Target, attacks: list[Attack], times: int) -> dict[str, set[int | None]]:
    """Every attack from many connections at once, while another caller is served."""
    token = target.issuer.token("operator")
    with ThreadPoolExecutor(len(attacks) * times) as pool:
        begun = {
            attack.__name__: [pool.submit(attack, target.ports, token) for _ in range(times)]
            for attack in attacks
        }
        target.assert_well()
        return {name: {one.result() for one in all_} for name, all_ in begun.items()}


def test_slow_headers_are_cut(target: Target) -> None:
    found = outcomes(target, SLOW_HEADERS, 8)
    assert set().union(*found.values()) <= {408, 0}, found
    target.assert_well()


@pytest.fixture
def impatient(issuer: Issuer, model: Model, tmp_path: Path) -> Iterator[Target]:
    """An edge that waits 2 s where it else waits 15 s."""
    with attacked(issuer, model, tmp_path, limits=Limits(request_time=2)) as target:
        yield target


def assert_cut(found: dict[str, set[int | None]]) -> None:
    """REST is told 408 and gRPC a status of its own, in a 200."""
    assert {name: codes for name, codes in found.items() if not codes <= {408, 200, 0}} == {}


def test_slow_bodies_are_cut(impatient: Target) -> None:
    assert_cut(outcomes(impatient, SLOW_BODIES, 8))
    impatient.assert_well()


@pytest.mark.long
def test_slow_bodies_are_cut_as_the_edge_is_configured(target: Target) -> None:
    assert_cut(outcomes(target, SLOW_BODIES, 40))
    target.assert_well()


def test_readers_that_do_not_read_keep_nobody_waiting(target: Target) -> None:
    """A window of 0: their answers can't be sent, and wait in memory."""
    headers = [*http2.pseudo("GET", "/v1/orders/large"), *bearer(target.issuer.token("operator"))]
    connections = [http2.Connection(target.ports.edge) for _ in range(10)]
    for connection in connections:
        connection.write(http2.frame(http2.SETTINGS, payload=b"\0\4" + bytes(4)))
        for _ in range(20):
            connection.open(headers)
    target.assert_well()
    for connection in connections:
        connection.__exit__()
    target.assert_well()
