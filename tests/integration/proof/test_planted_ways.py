"""Ways round the chain of filters: each is found by reading, and by going that way."""

from collections.abc import Callable
from dataclasses import replace

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

from gateway.envoy import names
from gateway.envoy.edge import Edge
from tests.integration.proof.conftest import Play
from tests.integration.proof.stage import callers_of
from tests.integration.proof.test_planted_edge import METHODS, one_finding, with_filter


def with_managers(
    change: Callable[[hcm.HttpConnectionManager], None], name: str = ""
) -> Callable[[Edge], Edge]:
    """An edge in which one listener, or each, takes calls otherwise."""

    def planted(edge: Edge) -> Edge:
        listeners = tuple(changed(one) if name in ("", one.name) else one for one in edge.listeners)
        return replace(edge, listeners=listeners)

    def changed(listener: Listener) -> Listener:
        found, manager = Listener(), hcm.HttpConnectionManager()
        found.CopyFrom(listener)
        config = found.filter_chains[0].filters[0].typed_config
        config.Unpack(manager)
        change(manager)
        config.Pack(manager)
        return found

    return planted


def past_all(manager: hcm.HttpConnectionManager) -> None:
    upgrade = manager.upgrade_configs.add(upgrade_type="websocket")
    upgrade.enabled.value = True
    upgrade.filters.add(name="router").typed_config.Pack(Router())


def test_an_upgrade_past_every_filter(play: Play) -> None:
    stage = play(with_managers(past_all))
    assert all("says upgrade_configs" in one for one in stage.static())
    found = stage.live(*METHODS)
    assert {one.protocol for one in found} == {"upgrade"}
    assert {"no token", "alice"} <= callers_of(found)
    assert any(one.got.startswith("HTTP 101 by the service") for one in found)


def test_an_upgrade_on_the_listener_with_tls_alone(play: Play) -> None:
    stage = play(with_managers(past_all, names.TLS_LISTENER))
    assert one_finding(stage).startswith("listener edge_tls: says upgrade_configs")
    assert {one.protocol for one in stage.live(*METHODS)} == {"upgrade"}


def test_an_exception_for_real_names_alone(play: Play) -> None:
    """Reading an order behind it asks for a token in the service only."""

    def widen(jwt: JwtAuthentication) -> None:
        match = next(r.match for r in jwt.rules if r.match.path == "/v1/users:register")
        match.safe_regex.regex = "/v1/users:register|/v1/orders/[a-z]+"
        match.headers[0].string_match.safe_regex.regex = "GET|POST"

    stage = play(with_filter(names.AUTHENTICATION, widen))
    assert any("needs no token" in one for one in stage.static())
    found = stage.strangers()
    assert {one.method for one in found} == {"OrderService/GetOrder"}
    assert {one.protocol for one in found} == {"REST GET, a real Order"}
    assert "no token" in callers_of(found)
