"""Headers that claim to be somebody, to come from somewhere, or to have been elsewhere."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from envoy.extensions.filters.http.local_ratelimit.v3.local_rate_limit_pb2 import LocalRateLimit

from causeway.orders.v1.order_service_pb2 import ShipOrderRequest
from causeway.users.v1.user_service_pb2 import RegisterUserRequest
from gateway.envoy import names
from gateway.envoy.edge import Edge
from gateway.model import Model
from tests.integration.edge.bench import seen
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings.edits import without
from tests.security import http1, http2
from tests.security.callers import (
    AT_THE_EDGE,
    OK,
    PERMISSION_DENIED,
    PROTOCOLS,
    RESOURCE_EXHAUSTED,
    SERVICE,
    UNAUTHENTICATED,
    Operation,
    Ports,
    bearer,
    grpc,
    leaks,
    message,
)
from tests.security.conftest import ORDER, Target, attacked
from tests.security.http1 import Headers

SHIP = Operation(
    "/causeway.orders.v1.OrderService/ShipOrder",
    ShipOrderRequest(name="orders/7").SerializeToString(),
    "POST",
    "/v1/orders/7:ship",
    b"{}",
)
REGISTER = Operation(
    "/causeway.users.v1.UserService/RegisterUser",
    RegisterUserRequest(
        username="somebody", email="a@example.com", display_name="A", password="correct-horse"
    ).SerializeToString(),
    "POST",
    "/v1/users:register",
    b'{"username":"somebody","email":"a@example.com","displayName":"A","password":"correct-horse"}',
)

IDENTITIES: dict[str, Headers] = {
    "a user of a proxy": (("x-forwarded-user", "root"), ("x-remote-user", "root")),
    "a user": (("x-user", "root"), ("x-user-id", "root"), ("user", "root")),
    "roles": (("x-roles", "admin"), ("x-forwarded-groups", "admin"), ("roles", "admin")),
    "a verified payload": (
        ("x-jwt-payload", "eyJyZWFsbV9hY2Nlc3MiOnsicm9sZXMiOlsiYWRtaW4iXX19"),
        ("x-endpoint-api-userinfo", "eyJzdWIiOiJyb290In0"),
    ),
    "a client certificate": (
        ("x-forwarded-client-cert", "By=spiffe://causeway;URI=spiffe://causeway/orders"),
        ("x-client-cert", "MIIB"),
        ("ssl-client-verify", "SUCCESS"),
    ),
    "metadata of Envoy": (
        ("x-envoy-peer-metadata", "e30"),
        ("x-envoy-peer-metadata-id", "orders"),
        ("x-envoy-internal", "true"),
    ),
    "an original path that is public": (
        ("x-envoy-original-path", "/v1/users:register"),
        ("x-envoy-original-method", "POST"),
        ("x-original-url", "/v1/users:register"),
        ("x-rewrite-url", "/v1/users:register"),
    ),
    "a decorated route": (
        ("x-envoy-decorator-operation", "public"),
        ("x-envoy-upstream-alt-stat-name", "x"),
        ("x-envoy-route", "healthz"),
    ),
    "another host": (("x-forwarded-host", "localhost"), ("x-host", "127.0.0.1:9901")),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("claim", IDENTITIES)
def test_who_only_claims_to_be_somebody_is_nobody(ports: Ports, claim: str, protocol: str) -> None:
    told = PROTOCOLS[protocol](ports, ORDER, IDENTITIES[claim])
    assert told.code == UNAUTHENTICATED, told
    assert not leaks(told)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("claim", IDENTITIES)
def test_a_claim_adds_nothing_to_a_token(
    ports: Ports, issuer: Issuer, claim: str, protocol: str
) -> None:
    headers = (*bearer(issuer.token("customer")), *IDENTITIES[claim])
    told = PROTOCOLS[protocol](ports, SHIP, headers)
    assert told.code == PERMISSION_DENIED, told
    assert not leaks(told)


ROUTING: dict[str, Headers] = {
    "retries": (("x-envoy-retry-on", "5xx"), ("x-envoy-max-retries", "1000")),
    "timeouts": (
        ("x-envoy-upstream-rq-timeout-ms", "999999"),
        ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
        ("x-envoy-expected-rq-timeout-ms", "1"),
    ),
    "hedging": (("x-envoy-hedge-on-per-try-timeout", "true"),),
    "addresses": (
        ("x-forwarded-for", "10.1.1.1, 127.0.0.1"),
        ("x-real-ip", "10.1.1.1"),
        ("forwarded", "for=10.1.1.1;by=127.0.0.1;host=admin"),
        ("x-client-ip", "10.1.1.1"),
        ("x-envoy-external-address", "10.1.1.1"),
    ),
    "proto": (("x-forwarded-proto", "https"), ("x-forwarded-port", "443")),
    "an original path": (("x-envoy-original-path", "/x"), ("x-original-url", "/x")),
    "another verb": (("x-http-method-override", "DELETE"), ("x-method-override", "PUT")),
}


# As those of streams, they take no header away: what comes in is clean before them.
keeping = without("routes", "virtual_hosts.routes.request_headers_to_remove")


@pytest.fixture(scope="module")
def transparent(
    issuer: Issuer, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    root = tmp_path_factory.mktemp("transparent")
    with attacked(issuer, model, root, change=keeping) as target:
        yield target


@pytest.mark.parametrize("kind", ROUTING)
def test_a_forged_header_does_not_reach_the_service(
    transparent: Target, issuer: Issuer, kind: str
) -> None:
    ports = transparent.ports
    headers = (*bearer(issuer.token("operator")), *ROUTING[kind])
    over_1 = http1.send(ports.edge, "GET", ORDER.rest, headers)
    with http2.Connection(ports.edge) as connection:
        over_2 = connection.request([*http2.pseudo("GET", ORDER.rest), *headers])
    for answer in (over_1, over_2):
        assert answer.status == 200, answer
        arrived = seen(answer.headers)
        assert [name for name, value in ROUTING[kind] if arrived.get(name) == value] == []


def hourly(edge: Edge) -> Edge:
    """Buckets that are filled again in an hour: what passes does not depend on how fast we are."""
    limit = LocalRateLimit()
    limit.CopyFrom(edge.filters[names.CALLER_LIMIT])
    for descriptor in limit.descriptors:
        descriptor.token_bucket.fill_interval.FromSeconds(3600)
    return replace(edge, filters={**edge.filters, names.CALLER_LIMIT: limit})


@pytest.fixture(scope="module")
def slow_buckets(
    issuer: Issuer, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    root = tmp_path_factory.mktemp("buckets")
    with attacked(issuer, model, root, change=hourly) as target:
        yield target


SPOOFS = (
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-envoy-external-address",
    "x-cluster-client-ip",
    "x-originating-ip",
)


def test_no_address_in_a_header_opens_another_bucket(slow_buckets: Target) -> None:
    """Registration is public: 20 calls an address, over all protocols together."""
    ports, codes = slow_buckets.ports, []
    for number in range(len(AT_THE_EDGE)):
        for name in SPOOFS:
            value = f"10.9.{number}.{number}"
            spoof = ((name, f"for={value}" if name == "forwarded" else value),)
            send = [*AT_THE_EDGE.values()][number]
            told = send(ports, REGISTER, spoof)
            assert not leaks(told)
            codes.append(told.code)
    assert codes.count(OK) == 20, codes
    assert set(codes[20:]) == {RESOURCE_EXHAUSTED}
    # Past the edge there is no such limit: that is why the port is nobody's to reach.
    assert PROTOCOLS[SERVICE](ports, REGISTER, ()).code == OK


# gRPC keeps a header that it can't read in the connection's table, as an error under its name
# (https://github.com/grpc/grpc/issues/34721), and callers share the edge's connections.
POISONS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "a binary header": (("x-poison-bin", "%%%"), ("x-poison-bin", "AAAA")),
    "a binary trace": (("grpc-trace-bin", "%%%"), ("grpc-trace-bin", "AAAA")),
    "an encoding": (("grpc-encoding", "x"), ("grpc-encoding", "gzip")),
    "a number of attempts": (
        ("grpc-previous-rpc-attempts", "x"),
        ("grpc-previous-rpc-attempts", "1"),
    ),
    "a time": (("grpc-timeout", "x"), ("grpc-timeout", "5S")),
    "a length": (("content-length", "x"), ("x-nothing", "1")),
    "a browser": (("user-agent", "\xff\xfe"), ("user-agent", "x")),
}


@pytest.mark.parametrize("case", POISONS)
def test_a_header_that_is_none_does_not_fail_the_calls_of_others(
    ports: Ports, issuer: Issuer, case: str
) -> None:
    bad, good = POISONS[case]
    mine = bearer(issuer.token("operator"))
    others = bearer(issuer.token("operator", sub="somebody-else"))
    for _ in range(3):
        grpc(ports.edge, ORDER.path, message(ORDER.request), (bad, *mine))
        for send in (AT_THE_EDGE["gRPC"], AT_THE_EDGE["REST over HTTP/2"]):
            told = send(ports, ORDER, (good, *others))
            assert told.code == OK, told
