"""200 calls a second and 50 open streams, while everything changes: none fails, none is cut."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from gateway.deployments import Address
from gateway.envoy import files, live, running
from gateway.envoy.edge import emit
from gateway.model import Method, Model, RateLimit
from stack.live.members import Balancer, drained
from tests.integration.edge import bench
from tests.integration.edge.bench import Replica, Running
from tests.integration.edge.conftest import Start
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.test_live_change import SHIP, with_roles
from tests.integration.edge.test_tls import aged, serial
from tests.integration.edge.traffic import RATE, STREAMS, Traffic

DRAIN = 30.0


class Site:
    """One edge before replicas of which any can be moved, changed as `causeway compile` does."""

    def __init__(self, edge: Running, model: Model, issuer: Issuer, stack: ExitStack) -> None:
        self.edge, self.model, self.issuer, self._stack = edge, model, issuer, stack
        self.balancer = Balancer(edge.root, edge.deployment.admin)
        self.replicas: list[Replica] = []

    def compile(self, model: Model) -> tuple[str, ...]:
        """Bring the edge into line with a model."""
        members = live.members(files.read(self.edge.root))
        found = {area: members.get(area, self.everybody()) for area in model.areas}
        edge = emit(model, replace(self.edge.deployment, clusters=found))
        files.validate(edge)
        with files.held(self.edge.root):
            return live.change(self.edge.root, edge.files(), self.edge.deployment.admin)

    def everybody(self) -> tuple[Address, ...]:
        return tuple(replica.address for replica in self.replicas)

    def start_replica(self) -> Replica:
        replica = self._stack.enter_context(bench.backend())
        self.replicas.append(replica)
        return replica

    def may_ship(self) -> bool:
        token = self.issuer.token("customer", sub=uuid.uuid4().hex)
        return self.edge.rest("POST", "/v1/orders/7:ship", token, json={}).status_code == 200


@pytest.fixture
def site(start: Start, model: Model, issuer: Issuer) -> Iterator[Site]:
    without = replace(model, services=tuple(s for s in model.services if s.area != "users"))
    with ExitStack() as stack:
        two = [stack.enter_context(bench.backend()) for _ in range(2)]
        site = Site(start(watching=True, of=without, replicas=two), model, issuer, stack)
        site.replicas += two
        yield site


def add_a_service(site: Site) -> None:
    operator = site.issuer.token("operator")
    assert site.edge.rest("GET", "/v1/users/7", operator).status_code == 404
    assert site.compile(site.model)
    # The edge takes a replica for healthy when it has answered.
    assert bench.until(
        lambda: site.edge.rest("GET", "/v1/users/7", operator).status_code == 200, 15
    )


def change_a_role(site: Site) -> None:
    """In force when the change is done, in both directions."""
    for roles, allowed in ((("customer",), True), (("operator",), False)):
        assert site.compile(with_roles(site.model, SHIP, *roles))
        assert site.may_ship() is allowed


def change_a_rate_limit(site: Site) -> None:
    token = site.issuer.token("operator", sub="somebody-quick")
    assert site.compile(limited(site.model, SHIP, RateLimit(1, interval=60.0)))
    statuses = [
        site.edge.rest("POST", "/v1/orders/7:ship", token, json={}).status_code for _ in range(2)
    ]
    assert statuses == [200, 429]
    assert site.compile(site.model)
    assert site.edge.rest("POST", "/v1/orders/7:ship", token, json={}).status_code == 200


def renew_the_certificate(site: Site) -> None:
    old = aged(site.edge)
    bench.certify(site.edge.deployment)
    assert bench.until(lambda: serial(site.edge) != old)


def move_a_replica(site: Site) -> None:
    """A new one has calls before the old one is let go, and that one stays for its streams."""
    old, fresh = site.replicas[0], site.start_replica()
    ports = [replica.address.port for replica in site.replicas]
    for area in site.model.areas:  # these replicas serve them all
        asyncio.run(site.balancer.send(area, ports))
    for area in site.model.areas:
        asyncio.run(site.balancer.send(area, ports[1:]))
    assert asyncio.run(drained(old.address.port, old.process.pid, DRAIN, print))
    old.kill()
    site.replicas.remove(old)
    members = live.members(files.read(site.edge.root))["orders"]
    assert fresh.address in members
    assert old.address not in members


def limited(model: Model, path: str, limit: RateLimit) -> Model:
    """The model with a rate limit on one method."""

    def changed(method: Method) -> Method:
        if method.path != path:
            return method
        return replace(method, access=replace(method.access, rate_limit=limit))

    services = tuple(
        replace(service, methods=tuple(map(changed, service.methods))) for service in model.services
    )
    return replace(model, services=services)


CHANGES = (
    add_a_service,
    change_a_role,
    change_a_rate_limit,
    renew_the_certificate,
    move_a_replica,
)


def test_no_call_fails_and_no_stream_is_cut_by_any_change(site: Site, operator: str) -> None:
    with Traffic(site.edge, operator, messages=(2, 4)) as traffic:
        for change in CHANGES:
            change(site)
            traffic.go_on(0.5)
    _none_lost(site, traffic)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("change", CHANGES[1:], ids=lambda change: change.__name__)
def test_no_call_fails_and_no_stream_is_cut_in_a_minute_of_one_change(
    site: Site, operator: str, change: Callable[[Site], None]
) -> None:
    add_a_service(site)
    with Traffic(site.edge, operator, messages=(2, 20)) as traffic:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            change(site)
            traffic.go_on(1)
    _none_lost(site, traffic)
    assert traffic.calls > 0.9 * RATE * 60


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_service_that_comes_and_goes_for_a_minute_costs_no_other_call(
    site: Site, operator: str
) -> None:
    without = replace(
        site.model, services=tuple(s for s in site.model.services if s.area != "users")
    )
    with Traffic(site.edge, operator, messages=(2, 20)) as traffic:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            add_a_service(site)
            traffic.go_on(1)
            assert site.compile(without)
            traffic.go_on(1)
    _none_lost(site, traffic)


def _none_lost(site: Site, traffic: Traffic) -> None:
    assert traffic.failures == []
    assert traffic.streams >= STREAMS
    assert running.rejected(site.edge.deployment.admin) == {}
    print(f"{traffic.calls} calls, {traffic.streams} streams in {traffic.seconds:.1f} s")
