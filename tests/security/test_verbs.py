"""Verbs that a path does not have, verbs hidden elsewhere, and gRPC methods asked for as pages."""

import time

import pytest

from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import (
    PERMISSION_DENIED,
    PROTOCOLS,
    Operation,
    Ports,
    bearer,
    leaks,
    message,
    told_by_rest,
)
from tests.security.conftest import ORDER
from tests.security.http1 import Headers
from tests.security.test_paths import RESET

REGISTER = "/v1/users:register"
# Verb, path, and what an operator is told over HTTP/1.1 and over HTTP/2.
VERBS: dict[tuple[str, str], tuple[int, int]] = {
    ("PUT", ORDER.rest): (404, 404),
    ("DELETE", ORDER.rest): (404, 404),
    ("POST", ORDER.rest): (404, 404),
    ("PATCH", ORDER.rest): (404, 404),
    ("OPTIONS", ORDER.rest): (404, 404),
    ("PROPFIND", ORDER.rest): (404, 404),
    ("TRACE", ORDER.rest): (404, 404),
    ("GETT", ORDER.rest): (400, 404),
    ("get", ORDER.rest): (400, 404),
    ("POST ", ORDER.rest): (404, RESET),
    ("GET\tPOST", ORDER.rest): (400, RESET),
    ("", ORDER.rest): (400, RESET),
    ("X" * 4000, ORDER.rest): (400, 404),
    ("GET", "/v1/orders/7:ship"): (404, 404),
    ("DELETE", "/v1/orders/7:ship"): (404, 404),
    ("GET", REGISTER): (404, 404),
    ("PUT", REGISTER): (404, 404),
    ("GET", ORDER.path): (404, 404),
    ("PUT", ORDER.path): (404, 404),
    ("DELETE", ORDER.path): (404, 404),
    ("GET", "/causeway.users.v1.UserService/RegisterUser"): (404, 404),
    ("CONNECT", ORDER.rest): (400, RESET),
}


def over_1(ports: Ports, verb: str, path: str, token: str) -> int:
    answer = http1.send(ports.edge, verb, path, bearer(token) if token else ())
    told = told_by_rest(answer.status, answer.headers, answer.body)
    assert not leaks(told)
    return told.http


def over_2(ports: Ports, verb: str, path: str, token: str) -> int:
    headers = [*http2.pseudo(verb, path), *(bearer(token) if token else ())]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(headers)
    if not reply.status:
        return RESET
    told = told_by_rest(reply.status, reply.headers, reply.body)
    assert not leaks(told)
    return told.http


@pytest.mark.parametrize(("verb", "path"), VERBS)
def test_a_verb_that_a_path_does_not_have(
    ports: Ports, issuer: Issuer, verb: str, path: str
) -> None:
    token = issuer.token("operator")
    told = over_1(ports, verb, path, token), over_2(ports, verb, path, token)
    assert told == VERBS[verb, path]
    without = over_1(ports, verb, path, ""), over_2(ports, verb, path, "")
    assert without == tuple(401 if http == 404 else http for http in VERBS[verb, path])


CONNECTS: dict[str, tuple[list[tuple[str, str]], int]] = {
    "to a port of ours": ([(":method", "CONNECT"), (":authority", "127.0.0.1:9901")], 403),
    "to the edge itself": ([(":method", "CONNECT"), (":authority", "localhost")], 403),
    "extended, for a WebSocket": (
        [*http2.pseudo("CONNECT", ORDER.rest), (":protocol", "websocket")],
        RESET,
    ),
    "extended, for UDP": (
        [*http2.pseudo("CONNECT", "/.well-known/masque/udp/127.0.0.1/53/"),
         (":protocol", "connect-udp")],
        RESET,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONNECTS)
def test_nothing_is_tunnelled(ports: Ports, issuer: Issuer, case: str) -> None:
    headers, status = CONNECTS[case]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request([*headers, *bearer(issuer.token("admin"))])
        assert reply.status == status, reply


@pytest.mark.parametrize("authority", ["127.0.0.1:9901", "localhost:80"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_tunnel_to_a_name_of_the_edge_is_refused_at_once_over_http_1(
    ports: Ports, issuer: Issuer, authority: str, signed: bool
) -> None:
    headers = (("host", "localhost"), *(bearer(issuer.token("admin")) if signed else ()))
    begun = time.monotonic()
    sent = http1.exchange(ports.edge, http1.request("CONNECT", authority, headers), patience=12)
    assert time.monotonic() - begun < 12  # the edge closes; it waits 15 s for a body
    answer = http1.first(sent)
    told = told_by_rest(answer.status, answer.headers, answer.body)
    assert (told.http, told.code) == (403, PERMISSION_DENIED), told
    assert not leaks(told)


UPGRADES: dict[str, Headers] = {
    "a WebSocket": (("connection", "upgrade"), ("upgrade", "websocket"),
                    ("sec-websocket-version", "13"), ("sec-websocket-key", "AAAA")),
    "HTTP/2 in the clear": (("connection", "upgrade, http2-settings"), ("upgrade", "h2c"),
                            ("http2-settings", "AAMAAABkAAQAAP__")),
    "TLS": (("connection", "upgrade"), ("upgrade", "TLS/1.2")),
    "anything": (("connection", "upgrade"), ("upgrade", "x")),
}  # fmt: skip


@pytest.mark.parametrize("case", UPGRADES)
def test_no_connection_is_upgraded(ports: Ports, issuer: Issuer, case: str) -> None:
    headers = (*UPGRADES[case], *bearer(issuer.token("operator")))
    answer = http1.first(
        http1.exchange(ports.edge, http1.request("GET", ORDER.rest, headers), patience=0.5)
    )
    assert answer.status in (200, 403), answer  # h2c is passed over, all others are refused
    assert (answer.status == 200) is ("h2c" in str(headers))


OVERRIDES: dict[str, Headers] = {
    "in x-http-method-override": (("x-http-method-override", "POST"),),
    "in x-method-override": (("x-method-override", "POST"),),
    "in x-http-method": (("x-http-method", "POST"),),
    "in an original method": (("x-envoy-original-method", "POST"), ("x-original-method", "POST")),
}


@pytest.mark.parametrize("case", OVERRIDES)
def test_a_verb_in_a_header_is_not_read(ports: Ports, issuer: Issuer, case: str) -> None:
    headers = (*OVERRIDES[case], *bearer(issuer.token("operator")))
    for path, status in (("/v1/orders/7:ship", 404), (ORDER.rest, 200)):
        answer = http1.send(ports.edge, "GET", path, headers)
        assert answer.status == status, answer
        with http2.Connection(ports.edge) as connection:
            reply = connection.request([*http2.pseudo("GET", path), *headers])
        assert reply.status == status, reply


@pytest.mark.parametrize(
    "path",
    [
        "/causeway.orders.v1.OrderService/Nothing",
        "/causeway.nothing.v1.Nothing/Nothing",
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    ],
)
def test_a_method_that_is_not_on_the_surface_is_denied_to_everybody(
    ports: Ports, issuer: Issuer, path: str
) -> None:
    call = Operation(path, b"", "POST", path)
    headers = bearer(issuer.token("admin"))
    for protocol in ("gRPC", "gRPC-Web"):
        told = PROTOCOLS[protocol](ports, call, headers)
        assert told.code == PERMISSION_DENIED, told
        assert not leaks(told)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "HEAD"])
def test_a_grpc_call_is_a_post(ports: Ports, issuer: Issuer, verb: str) -> None:
    headers = [
        *http2.pseudo(verb, ORDER.path),
        ("content-type", "application/grpc"),
        *bearer(issuer.token("operator")),
    ]
    for port in (ports.edge, ports.service):
        with http2.Connection(port) as connection:
            reply = connection.request(headers, message(ORDER.request))
        assert reply.headers.get("grpc-status") != "0", reply
        assert b"orders/7" not in reply.body
