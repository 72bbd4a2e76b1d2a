"""A real Envoy before the real server kit, and an issuer whose keys the attacker's tests hold."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from gateway import identity
from gateway.deployments import Address
from gateway.envoy.edge import Edge
from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import HOST, Replica, Running
from tests.integration.edge.conftest import issuer, model  # noqa: F401 (fixtures)
from tests.integration.edge.issuer import Issuer
from tests.platform import ROOT
from tests.ports import free_port
from tests.security.callers import OK, PROTOCOLS, Operation, Ports, bearer

MOST_MEMORY = 400 * 2**20
"""Bytes that an attacked Envoy may hold: some 60 MB at rest, and its own limit is 512 MB."""
ORDER = Operation(
    "/causeway.orders.v1.OrderService/GetOrder",
    GetOrderRequest(name="orders/7").SerializeToString(),
    "GET",
    "/v1/orders/7",
)


@dataclass(frozen=True)
class Target:
    """What is attacked."""

    edge: Running
    service: Replica
    issuer: Issuer

    @property
    def ports(self) -> Ports:
        return Ports(self.edge.deployment.listen.port, self.service.address.port)

    def assert_well(self) -> None:
        """Both processes live, others are answered on every protocol, memory is bounded."""
        assert self.edge.process.poll() is None, "Envoy ended"
        assert self.service.process.poll() is None, "the service ended"
        headers = bearer(self.issuer.token("operator", sub="somebody-else"))
        codes = {name: send(self.ports, ORDER, headers).code for name, send in PROTOCOLS.items()}
        assert set(codes.values()) == {OK}, codes
        held = psutil.Process(self.edge.process.pid).memory_info().rss
        assert held < MOST_MEMORY, f"Envoy holds {held / 2**20:.0f} MB"


@contextmanager
def kit_backend(issuer: Issuer, model: Model, log: Path) -> Iterator[Replica]:  # noqa: F811
    """A process of the server kit; the edge's readiness says when it answers."""
    address = f"{HOST}:{free_port()}"
    settings = {
        "CAUSEWAY_ISSUER": issuer.issuer,
        "CAUSEWAY_JWKS": f"http://{HOST}:{issuer.port}{identity.jwks_path()}",
        "CAUSEWAY_CLIENTS": ",".join(identity.client_ids(model)),
        "CAUSEWAY_SIGNING_KEY": "0123456789abcdef",
        # More than the streams of a connection, whose limit is the one that is tried.
        "CAUSEWAY_MAX_STREAMS_PER_SUBJECT": "1000",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "tests.security.kit_backend", address],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
        try:
            yield Replica(Address(HOST, int(address.rpartition(":")[2])), process)
        finally:
            process.terminate()
            process.wait(20)


def patient(edge: Edge) -> Edge:
    """A service on a busy machine is not taken for dead: that is tested elsewhere."""
    clusters = tuple(type(one).FromString(one.SerializeToString()) for one in edge.clusters)
    for cluster in clusters:
        for check in cluster.health_checks:
            check.timeout.FromSeconds(10)
            check.unhealthy_threshold.value = 5
    return replace(edge, clusters=clusters)


@contextmanager
def attacked(
    issuer: Issuer,  # noqa: F811
    model: Model,  # noqa: F811
    root: Path,
    change: Callable[[Edge], Edge] = lambda edge: edge,
    **more: Any,
) -> Iterator[Target]:
    """An edge of one's own and a service behind it; `more` are fields of Deployment."""
    with ExitStack() as stack:
        service = stack.enter_context(kit_backend(issuer, model, root / "service.log"))
        deployment = bench.deployment_of(model, root / "edge", issuer, [service], **more)
        start = bench.running(model, deployment, lambda edge: change(patient(edge)), watching=False)
        edge = stack.enter_context(start)
        yield Target(edge, service, issuer)


@pytest.fixture(scope="package")
def target(
    issuer: Issuer,  # noqa: F811
    model: Model,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Target]:
    with attacked(issuer, model, tmp_path_factory.mktemp("security")) as target:
        yield target


@pytest.fixture
def ports(target: Target) -> Ports:
    return target.ports
