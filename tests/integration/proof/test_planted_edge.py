"""Holes in the edge: the proof finds each, and what it finds is told here to the cell."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC
from google.protobuf.json_format import ParseDict

from gateway.envoy import names
from gateway.envoy.edge import Edge
from tests.integration.proof.conftest import Play
from tests.integration.proof.stage import Stage, callers_of

SHIP = "/causeway.orders.v1.OrderService/ShipOrder"
METHODS = ("OrderService/ShipOrder", "OrderService/GetOrder")
ROLES = {"alice", "auditor", "publisher"}
OPERATORS = {"operator", "admin"}


def with_filter(name: str, change: Callable[[Any], None]) -> Callable[[Edge], Edge]:
    """An edge in which one filter's configuration is another."""

    def planted(edge: Edge) -> Edge:
        message = type(edge.filters[name])()
        message.CopyFrom(edge.filters[name])
        change(message)
        return replace(edge, filters={**edge.filters, name: message})

    return planted


def one_finding(stage: Stage) -> str:
    """The only thing that the static proof finds."""
    found = stage.static()
    assert len(found) == 1, found
    return found[0]


def with_routes(change: Callable[[RouteConfiguration], None]) -> Callable[[Edge], Edge]:
    def planted(edge: Edge) -> Edge:
        routes = RouteConfiguration()
        routes.CopyFrom(edge.routes)
        change(routes)
        return replace(edge, routes=routes)

    return planted


def test_an_edge_without_a_hole_is_proven(play: Play) -> None:
    stage = play()
    assert stage.static() == []
    methods = (*METHODS, "OrderService/WatchOrder", "OperationsService/DescribeCluster")
    assert stage.live(*methods, tricks=True) == []
    assert stage.strangers() == []
    assert stage.owners() == []


def test_a_rule_that_is_missing(play: Play) -> None:
    def remove(rbac: RBAC) -> None:
        del rbac.rules.policies[SHIP]

    stage = play(with_filter(names.AUTHORIZATION, remove))
    assert [found.partition(";")[0] for found in stage.static()] == [
        f"role filter, {SHIP}: the method has no rule"
    ]
    found = stage.live(*METHODS)
    assert {one.method for one in found} == {"OrderService/ShipOrder"}
    assert callers_of(found) == OPERATORS
    plain = {"gRPC", "gRPC-Web", "REST POST"}
    assert {one.protocol for one in found} == {
        *plain,
        *(f"{one} over TLS" for one in plain),
        "gRPC-Web-text",
    }
    assert all(one.got.startswith("PERMISSION_DENIED by the edge") for one in found)


def test_a_rule_that_lets_anybody_in(play: Play) -> None:
    def widen(rbac: RBAC) -> None:
        policy = rbac.rules.policies[SHIP]
        del policy.principals[:]
        policy.principals.add(any=True)

    stage = play(with_filter(names.AUTHORIZATION, widen))
    told = stage.static()
    assert any("lets in customer by causeway-cli, unlike the proto" in one for one in told)
    assert any("lets in an ID token, unlike the proto" in one for one in told)
    assert not any("operator by" in one for one in told)
    found = stage.live(*METHODS)
    assert {one.method for one in found} == {"OrderService/ShipOrder"}
    forged = {name for name in callers_of(found) if name.startswith("alice, forged")}
    assert callers_of(found) - forged == ROLES | {"ID token", "another client's"}
    assert all("by the service" in one.got for one in found)


def test_a_route_for_a_prefix(play: Play) -> None:
    def add(routes: RouteConfiguration) -> None:
        host = routes.virtual_hosts[0]
        kept = list(host.routes)
        del host.routes[:]
        route = host.routes.add()
        route.match.prefix = "/causeway.orders.v1.OrderService/"
        route.route.cluster = "orders"
        host.routes.extend(kept)

    stage = play(with_routes(add))
    told = one_finding(stage)
    assert "lets more through than the methods, to 'orders'; remove the route" in told


def test_tokens_off_on_one_path(play: Play) -> None:
    def off(routes: RouteConfiguration) -> None:
        host = routes.virtual_hosts[0]
        route = next(one for one in host.routes if one.match.path == SHIP)
        kind = "type.googleapis.com/envoy.config.route.v3.FilterConfig"
        config = {"@type": kind, "disabled": True}
        ParseDict({"typed_per_filter_config": {names.AUTHENTICATION: config}}, route)

    stage = play(with_routes(off))
    told = one_finding(stage)
    assert told.endswith("changes the filter authentication for this path; remove that")
    found = stage.live(*METHODS)
    assert {one.method for one in found} == {"OrderService/ShipOrder"}
    # Without a verified token the role filter denies everybody: strangers get the wrong refusal.
    assert {"no token", "expired", "wrong issuer", "alg none"} <= callers_of(found, "gRPC")
    assert callers_of(found, "gRPC") >= OPERATORS


def test_an_exception_too_many(play: Play) -> None:
    def add(jwt: JwtAuthentication) -> None:
        kept = list(jwt.rules)
        del jwt.rules[:]
        jwt.rules.add().match.prefix = "/v1/orders"
        jwt.rules.extend(kept)

    stage = play(with_filter(names.AUTHENTICATION, add))
    told = one_finding(stage)
    assert "exception 1: prefix /v1/orders needs no token, and no public method is there" in told
    found = stage.live(*METHODS)
    assert {one.method for one in found} == {"OrderService/ShipOrder", "OrderService/GetOrder"}
    assert {one.protocol.split(" ")[0] for one in found} == {"REST", "EventSource"}
    assert {"no token", "expired", "operator"} <= callers_of(found)


def test_an_audience_that_nobody_looks_at(play: Play) -> None:
    def drop(jwt: JwtAuthentication) -> None:
        del jwt.providers["keycloak"].audiences[:]

    stage = play(with_filter(names.AUTHENTICATION, drop))
    told = one_finding(stage)
    assert "audiences is None and not ['causeway-api']" in told
    found = stage.live(*METHODS)
    assert callers_of(found) == {"wrong audience"}
    assert all(one.got.startswith("UNAUTHENTICATED by the service") for one in found)
    assert {one.method for one in found} == {"OrderService/ShipOrder", "OrderService/GetOrder"}


def test_a_token_that_may_be_missing(play: Play) -> None:
    def relax(jwt: JwtAuthentication) -> None:
        requires = jwt.rules[-1].requires
        requires.requires_any.requirements.add(provider_name="keycloak")
        requires.requires_any.requirements.add().allow_missing.SetInParent()

    stage = play(with_filter(names.AUTHENTICATION, relax))
    told = one_finding(stage)
    assert "the last rule does not ask for a token on every path" in told
    found = stage.live(*METHODS)
    assert "no token" in callers_of(found, "gRPC")
    assert "expired" not in callers_of(found, "gRPC")
