from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from gateway.descriptors import load
from gateway.envoy.edge import Edge
from gateway.model import Model
from gateway.reading import read_model
from tests.integration.edge import bench
from tests.integration.edge.bench import Replica, Running
from tests.integration.edge.issuer import Issuer, serving
from tests.ports import free_port

Start: TypeAlias = Callable[..., Running]


@pytest.fixture(scope="session", autouse=True)
def _platform() -> None:
    """The edge is tested before small backends of its own: no platform is started for it."""


@pytest.fixture(scope="session")
def model() -> Model:
    return read_model(load())


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with serving(free_port()) as issuer:
        yield issuer


@pytest.fixture(scope="session")
def replica() -> Iterator[Replica]:
    with bench.backend() as replica:
        yield replica


@pytest.fixture(scope="package")
def edge(
    model: Model, issuer: Issuer, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One edge for all tests of this folder that only ask."""
    root = tmp_path_factory.mktemp("edge")
    deployment = bench.deployment_of(model, root, issuer, [replica])
    with bench.running(model, deployment, watching=False) as edge:
        yield edge


@pytest.fixture
def start(model: Model, issuer: Issuer, replica: Replica, tmp_path: Path) -> Iterator[Start]:
    """Start an edge of one's own: start(change=…, replicas=[…], any field of Deployment).

    One to which something is published must be `watching`.
    """
    with ExitStack() as stack:

        def begin(
            change: Callable[[Edge], Edge] = lambda edge: edge,
            replicas: list[Replica] | None = None,
            of: Model = model,
            awaited: str = "/readyz",
            watching: bool = False,
            **more: Any,
        ) -> Running:
            root = tmp_path / f"edge-{free_port()}"
            wanted = bench.deployment_of(of, root, issuer, replicas or [replica], **more)
            running = bench.running(of, wanted, change, awaited, watching=watching)
            return stack.enter_context(running)

        yield begin


@pytest.fixture
def customer(issuer: Issuer) -> str:
    return issuer.token("customer")


@pytest.fixture
def operator(issuer: Issuer) -> str:
    return issuer.token("operator")
