"""The configuration changes while calls are made: none fails, no stream ends, nothing is late."""

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC

from causeway.orders.v1.order_service_pb2 import WatchOrderRequest, WatchOrderResponse
from gateway.envoy import files, live, names
from gateway.envoy import running as envoy_running
from gateway.envoy.edge import Edge, emit
from gateway.errors import RefusedConfiguration
from gateway.model import Access, Method, Model, Owner
from tests.integration.edge import bench
from tests.integration.edge.bench import Running
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.test_replicas import Load
from tests.ports import free_port

WATCH = "/causeway.orders.v1.OrderService/WatchOrder"
SHIP = "/causeway.orders.v1.OrderService/ShipOrder"


def with_roles(model: Model, path: str, *roles: str) -> Model:
    """The model with other roles for one method."""

    def changed(method: Method) -> Method:
        if method.path != path:
            return method
        access: Access = replace(method.access, roles=roles, owner=Owner.NONE)
        return replace(method, access=access)

    services = tuple(
        replace(service, methods=tuple(changed(method) for method in service.methods))
        for service in model.services
    )
    return replace(model, services=services)


class Stream:
    """One stream that stays open, read in a thread."""

    def __init__(self, edge: Running, token: str) -> None:
        self.edge, self.token = edge, token
        self.messages = 0
        self.failed: Exception | None = None

    def __enter__(self) -> "Stream":
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        assert bench.until(lambda: self.messages > 1)
        return self

    def _read(self) -> None:
        with self.edge.channel() as channel:
            watch = channel.unary_stream(
                WATCH, WatchOrderRequest.SerializeToString, WatchOrderResponse.FromString
            )
            request = WatchOrderRequest(name="orders/forever")
            self.call = watch(request, metadata=(("authorization", f"Bearer {self.token}"),))
            try:
                for _ in self.call:
                    self.messages += 1
            except Exception as error:
                self.failed = error

    def flows(self) -> bool:
        begun = self.messages
        return bench.until(lambda: self.messages > begun + 3)

    def __exit__(self, *_: object) -> None:
        self.call.cancel()
        self.thread.join()


def test_a_role_changes_under_load_and_ends_no_stream(
    start: Start, model: Model, issuer: Issuer, operator: str
) -> None:
    edge = start(watching=True)
    customer = issuer.token("customer")
    with Stream(edge, operator) as stream, Load(edge, operator) as load:
        assert edge.rest("POST", "/v1/orders/7:ship", customer, json={}).status_code == 403
        for roles, status in ((("customer",), 200), (("operator",), 403), (("customer",), 200)):
            edge.publish(emit(with_roles(model, SHIP, *roles), edge.deployment))
            assert bench.until(
                lambda status=status: (
                    edge.rest(  # type: ignore[misc]
                        "POST", "/v1/orders/7:ship", customer, json={}
                    ).status_code
                    == status
                )
            )
            load.more(50)
        assert stream.flows()
    assert {code.name for code in load.codes} == {"OK"}
    assert envoy_running.rejected(edge.deployment.admin) == {}


def test_a_role_that_is_withdrawn_is_gone_on_a_connection_that_stays_open(
    start: Start, model: Model, issuer: Issuer
) -> None:
    edge = start(watching=True, of=with_roles(model, SHIP, "customer"))
    headers = {"authorization": f"Bearer {issuer.token('customer')}"}
    with httpx.Client(base_url=edge.url, headers=headers) as client:
        assert client.post("/v1/orders/7:ship", json={}).status_code == 200
        edge.publish(emit(with_roles(model, SHIP, "operator"), edge.deployment))
        assert bench.until(lambda: client.post("/v1/orders/7:ship", json={}).status_code == 403)


def test_a_service_is_added_without_a_restart(start: Start, model: Model, operator: str) -> None:
    without = replace(model, services=tuple(s for s in model.services if s.area != "orders"))
    edge = start(watching=True, of=without)
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 404
    some = edge.deployment.clusters
    both = replace(edge.deployment, clusters={**some, "orders": some["users"]})
    edge.publish(emit(model, both))
    assert bench.until(lambda: edge.rest("GET", "/v1/orders/7", operator).status_code == 200)


def test_a_bad_configuration_never_reaches_the_edge(
    start: Start, model: Model, operator: str
) -> None:
    edge = start(watching=True)
    live = (edge.root / "current").resolve()
    routes = RouteConfiguration()
    routes.CopyFrom(edge.edge.routes)
    routes.virtual_hosts.add().CopyFrom(routes.virtual_hosts[0])  # a name and domains twice
    with pytest.raises(RefusedConfiguration, match=r"(?i)domain|virtual host"):
        edge.publish(replace(edge.edge, routes=routes))
    assert (edge.root / "current").resolve() == live
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 200


def test_a_configuration_that_envoy_refuses_live_leaves_the_old_one(
    start: Start, operator: str
) -> None:
    """What `publish` keeps away: here it is written past it."""
    edge = start(watching=True)
    version = edge.root / "v9"
    version.mkdir()
    for name, text in edge.edge.files().items():
        (version / name).write_text(text)
    (version / "ecds_authorization.json").write_text('{"resources": [{"@type": "x"}]}')
    link = edge.root / ".link"
    link.symlink_to("v9")
    link.rename(edge.root / "current")
    assert bench.until(lambda: envoy_running.rejected(edge.deployment.admin) != {})
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 200
    assert edge.rest("GET", "/v1/orders/7").status_code == 401


def _change(edge: Running, wanted: Edge) -> tuple[str, ...]:
    with files.held(edge.root):
        return live.change(edge.root, wanted.files(), edge.deployment.admin)


def test_a_change_is_in_force_when_it_is_done(start: Start, model: Model, issuer: Issuer) -> None:
    edge = start(watching=True)
    token = issuer.token("customer")
    for roles, status in (("customer", 200), ("operator", 403), ("customer", 200)):
        wanted = emit(with_roles(model, SHIP, roles), edge.deployment)
        changed = _change(edge, wanted)
        assert edge.rest("POST", "/v1/orders/7:ship", token, json={}).status_code == status
        assert {"ecds_authorization.json"} <= set(changed) < {*wanted.files()}
        assert _change(edge, wanted) == ()


@pytest.mark.parametrize("where", ["a filter", "the routes"])
def test_what_only_the_running_envoy_refuses_is_told_and_undone(
    start: Start, model: Model, operator: str, where: str
) -> None:
    """As if its validation had let it pass."""
    edge = start(watching=True)
    wanted = emit(with_roles(model, SHIP, "customer"), edge.deployment)
    if where == "a filter":
        empty = RBAC(rules={"policies": {"nobody": {}}})  # a policy must have permissions
        wanted = replace(wanted, filters={**wanted.filters, names.AUTHORIZATION: empty})
        refused = "ecds_authorization.json"
    else:
        routes = RouteConfiguration()
        routes.CopyFrom(wanted.routes)
        routes.virtual_hosts.add().CopyFrom(routes.virtual_hosts[0])
        wanted, refused = replace(wanted, routes=routes), "rds.json"
    before = files.read(edge.root)
    with pytest.raises(RefusedConfiguration, match=f"refused .*{refused}"):
        _change(edge, wanted)
    assert files.read(edge.root) == before
    versions = envoy_running.versions(before)
    assert envoy_running.pending(versions, edge.deployment.admin) == ()
    assert edge.rest("GET", "/v1/orders/7", operator).status_code == 200
    _change(edge, emit(with_roles(model, SHIP, "customer"), edge.deployment))


def test_an_envoy_that_does_not_run_is_told_and_nothing_is_changed(
    start: Start, model: Model
) -> None:
    edge = start(watching=True)
    edge.process.kill()
    edge.process.wait()
    before = files.read(edge.root)
    with pytest.raises(OSError, match="refused"):
        _change(edge, emit(with_roles(model, SHIP, "customer"), edge.deployment))
    assert files.read(edge.root) == before


def test_writing_in_place_is_never_seen(start: Start, model: Model, issuer: Issuer) -> None:
    """Why `publish` renames a link."""
    edge = start(watching=True)
    files_of_change = emit(with_roles(model, SHIP, "customer"), edge.deployment).files()
    for name, text in files_of_change.items():
        (edge.root / "current" / name).write_text(text)
    token = issuer.token("customer")
    assert not bench.until(
        lambda: edge.rest("POST", "/v1/orders/7:ship", token, json={}).status_code == 200, 1
    )


def test_old_versions_are_removed_and_an_equal_one_is_not_written(
    model: Model, issuer: Issuer, tmp_path: Path
) -> None:
    deployment = bench.deployment_of(model, tmp_path, issuer, [])
    deployment = replace(deployment, clusters=dict.fromkeys(model.areas, (deployment.listen,)))
    edge = emit(model, deployment)
    publish = partial(files.publish, tmp_path, envoy=bench.ALWAYS_CONTENT)
    assert publish(edge) == publish(edge) == tmp_path / "v1"
    for roles in ("customer", "operator", "auditor", "admin"):
        publish(emit(with_roles(model, SHIP, roles), deployment))
    assert sorted(path.name for path in tmp_path.glob("v*")) == ["v3", "v4", "v5"]
    assert (tmp_path / "current").readlink() == Path("v5")


def test_a_rotated_key_is_accepted_and_the_old_one_refused_in_time(
    start: Start, model: Model, tmp_path: Path
) -> None:
    from tests.integration.edge.issuer import serving

    def quick(edge: Edge) -> Edge:
        jwt = JwtAuthentication()
        jwt.CopyFrom(edge.filters[names.AUTHENTICATION])
        assert jwt.providers["keycloak"].remote_jwks.cache_duration.seconds == 60
        jwt.providers["keycloak"].remote_jwks.cache_duration.FromSeconds(1)
        return replace(edge, filters={**edge.filters, names.AUTHENTICATION: jwt})

    with serving(free_port()) as own, bench.backend() as one:
        deployment = bench.deployment_of(model, tmp_path, own, [one])
        with bench.running(model, deployment, quick, watching=False) as edge:
            old = own.token("operator")
            assert edge.rest("GET", "/v1/orders/7", old).status_code == 200
            own.rotate()
            new = own.token("operator")
            assert bench.until(lambda: edge.rest("GET", "/v1/orders/7", new).status_code == 200)
            assert edge.rest("GET", "/v1/orders/7", old).status_code == 401


@pytest.mark.parametrize("fast", [True, False])
def test_a_filter_that_is_changed_has_the_keys_before_anybody_calls(
    start: Start, model: Model, *, fast: bool
) -> None:
    """Without `fast_listener` a filter fetches when its listener starts, and then never again."""

    def fetching(edge: Edge) -> Edge:
        jwt = JwtAuthentication()
        jwt.CopyFrom(edge.filters[names.AUTHENTICATION])
        for provider in jwt.providers.values():
            assert provider.remote_jwks.async_fetch.fast_listener
            provider.remote_jwks.async_fetch.fast_listener = fast
        return replace(edge, filters={**edge.filters, names.AUTHENTICATION: jwt})

    def fetched() -> int:
        return edge.stats("jwks_fetch_success")["http.edge.jwt_authn.jwks_fetch_success"]

    without = replace(model, services=tuple(s for s in model.services if s.area != "users"))
    edge = start(watching=True, change=fetching)
    assert bench.until(lambda: fetched() > 0)
    before = fetched()
    changed = _change(edge, fetching(emit(without, edge.deployment)))
    assert "ecds_authentication.json" in changed
    # Whoever fetches does so at once: on a busy machine that may take a while.
    assert bench.until(lambda: fetched() > before, 30 if fast else 3) is fast
