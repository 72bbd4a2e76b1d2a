"""Too many connections, streams and calls; too large headers and messages; bombs."""

import gzip
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from causeway.orders.v1.order_service_pb2 import WatchOrderRequest
from gateway.deployments import Limits
from gateway.model import Model, RateLimit
from tests.integration.edge.bench import until
from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import (
    AT_THE_EDGE,
    OK,
    RESOURCE_EXHAUSTED,
    Ports,
    bearer,
    grpc,
    leaks,
    message,
    told_by_grpc,
    told_by_rest,
)
from tests.security.conftest import ORDER, Target, attacked
from tests.security.http1 import HOST

CONNECTIONS, CALLS, STREAMS = 30, 10, 100
WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
REFUSED_STREAM = 7
CANCEL = "/causeway.orders.v1.OrderService/CancelOrder"


@pytest.fixture(scope="module")
def small(
    issuer: Issuer, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """An edge that has little; its buckets are filled again in an hour."""
    limits = Limits(connections=CONNECTIONS, caller=RateLimit(CALLS, interval=3600.0))
    root = tmp_path_factory.mktemp("limits")
    with attacked(issuer, model, root, limits=limits) as target:
        yield target


def test_a_connection_too_many_is_closed_and_the_others_live(small: Target) -> None:
    token, port = small.issuer.token("operator", sub="first"), small.ports.edge
    with http2.Connection(port) as before:
        opened = [socket.create_connection((HOST, port), 5) for _ in range(2 * CONNECTIONS)]
        for one in opened:
            one.settimeout(0.5)
        with ThreadPoolExecutor(len(opened)) as pool:
            closed = [*pool.map(is_closed, opened)].count(True)
        assert closed >= CONNECTIONS
        headers = [*http2.pseudo("GET", ORDER.rest), *bearer(token)]
        assert before.request(headers).status == 200
        for one in opened:
            one.close()
    assert until(lambda: http1.send(port, "GET", "/healthz").status == 200)


def is_closed(connection: socket.socket) -> bool:
    """Whether the peer has closed; it says nothing by itself to who is let in."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_callers_calls_are_counted_over_all_protocols(small: Target) -> None:
    mine = bearer(small.issuer.token("operator", sub="greedy"))
    told = [send(small.ports, ORDER, mine) for _ in range(CALLS) for send in AT_THE_EDGE.values()]
    codes = [one.code for one in told]
    assert codes == [OK] * CALLS + [RESOURCE_EXHAUSTED] * (len(codes) - CALLS)
    assert not any(leaks(one) for one in told)
    # Another token of the same caller is the same caller; another caller is not.
    again = bearer(small.issuer.token("operator", "admin", sub="greedy"))
    other = bearer(small.issuer.token("operator", sub="modest"))
    for send in AT_THE_EDGE.values():
        assert send(small.ports, ORDER, again).code == RESOURCE_EXHAUSTED
        assert send(small.ports, ORDER, other).code == OK


def test_who_is_refused_uses_up_nobodys_calls(small: Target) -> None:
    """A forged token with somebody's name does not empty that somebody's bucket."""
    honest = small.issuer.token("operator", sub="victim")
    forged = bearer(honest[:-8] + "AAAAAAAA")
    for _ in range(2 * CALLS):
        http1.send(small.ports.edge, "GET", ORDER.rest, forged)
    for _ in range(CALLS):
        answer = http1.send(small.ports.edge, "GET", ORDER.rest, bearer(honest))
        assert answer.status == 200, answer


@pytest.mark.parametrize("at_the_edge", [True, False])
def test_a_stream_too_many_is_refused_and_the_others_live(
    target: Target, issuer: Issuer, at_the_edge: bool
) -> None:
    port = target.ports.edge if at_the_edge else target.ports.service
    headers = [
        *http2.pseudo("POST", WATCH),
        ("content-type", "application/grpc"),
        *bearer(issuer.token("operator")),
    ]
    body = message(WatchOrderRequest(name="orders/forever").SerializeToString())
    with http2.Connection(port, patience=2) as connection:
        streams = []
        for _ in range(STREAMS + 50):
            streams.append(connection.open(headers, end=False))
            connection.send(streams[-1], body)
        connection.read_for(2.0)
        refused = [one for one in streams if connection.replies[one].reset == REFUSED_STREAM]
        lives = [one for one in streams if connection.replies[one].body]
        assert len(lives) <= STREAMS
        # gRPC's server says nothing to the others, and lets them wait.
        assert len(refused) >= 50 or not at_the_edge
    target.assert_well()


LARGE: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "a value of 20 kB": (ORDER.rest, (("x", "y" * 20_000),)),
    "a value of 60 kB": (ORDER.rest, (("x", "y" * 60_000),)),
    "a name of 20 kB": (ORDER.rest, (("x" * 20_000, "y"),)),
    "70 headers": (ORDER.rest, tuple((f"x-{n}", "y") for n in range(70))),
    "10,000 headers": (ORDER.rest, tuple((f"x-{n}", "y") for n in range(10_000))),
    "a path of 20 kB": (f"/v1/orders/{'7' * 20_000}", ()),
    "a query of 20 kB": (f"{ORDER.rest}?x={'7' * 20_000}", ()),
    "a cookie of 20 kB": (ORDER.rest, (("cookie", "x" * 20_000),)),
    "a token of 20 kB": (ORDER.rest, (("authorization", f"Bearer {'a' * 20_000}.b.c"),)),
}


UNREAD = {"a value of 60 kB", "10,000 headers"}
"""So much that the edge closes while it is sent, and its answer may be lost."""


@pytest.mark.parametrize("case", LARGE)
def test_headers_that_are_too_large_are_refused(ports: Ports, issuer: Issuer, case: str) -> None:
    path, more = LARGE[case]
    headers = (*more, *bearer(issuer.token("operator")))
    answer = http1.send(ports.edge, "GET", path, headers)
    if answer is not http1.CLOSED or case not in UNREAD:
        told = told_by_rest(answer.status, answer.headers, answer.body)
        assert (told.http, told.code) == (431, RESOURCE_EXHAUSTED), told
    # Over HTTP/2 there is no answer to what could not be read: the stream is reset.
    with http2.Connection(ports.edge) as connection:
        reply = connection.request([*http2.pseudo("GET", path), *headers])
    assert reply.status == 0, reply


@pytest.mark.parametrize("case", ["a value of 20 kB", "a name of 20 kB", "10,000 headers"])
def test_a_service_refuses_too_large_headers_itself(
    ports: Ports, issuer: Issuer, case: str
) -> None:
    _, more = LARGE[case]
    reply = grpc(
        ports.service,
        ORDER.path,
        message(ORDER.request),
        (*more, *bearer(issuer.token("operator"))),
    )
    assert reply.headers.get("grpc-status") != "0", reply
    assert b"orders/7" not in reply.body


def bomb(layers: int) -> bytes:
    """64 MB of zeros; a second layer makes a few hundred bytes of the 64 kB."""
    packed = gzip.compress(b"\0" * 2**26)
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(target: Target, layers: int, encoding: str) -> None:
    service = psutil.Process(target.service.process.pid)
    headers = bearer(target.issuer.token("operator"))
    before, packed = service.memory_info().rss, bomb(layers)
    for port in (target.ports.edge, target.ports.service):
        sent = (("grpc-encoding", encoding), *headers)
        told = told_by_grpc(grpc(port, CANCEL, message(packed, 1), sent))
        assert told.code != OK, told
        assert not leaks(told), told
    rest = (("content-encoding", encoding), ("content-type", "application/json"), *headers)
    answer = http1.send(target.ports.edge, "POST", "/v1/orders/7:cancel", rest, packed)
    told = told_by_rest(answer.status, answer.headers, answer.body)
    assert told.http in (400, 413), told
    assert service.memory_info().rss - before < 32 * 2**20
    target.assert_well()
