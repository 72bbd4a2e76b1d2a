import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import identity
from gateway.deployments import Address
from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import HOST, Replica, Running
from tests.integration.edge.issuer import Issuer
from tests.ports import free_port

PROGRAM = Path(__file__).with_name("kit_backend.py")


@contextmanager
def kit_replica(issuer: Issuer) -> Iterator[Replica]:
    """A service on the real server kit, which verifies tokens itself."""
    address = Address(HOST, free_port())
    jwks = f"http://{HOST}:{issuer.port}{identity.jwks_path()}"
    process = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, str(PROGRAM), f"{HOST}:{address.port}", issuer.issuer, jwks],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    with process.stdout:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield Replica(address, process)
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture(scope="session")
def service(issuer: Issuer) -> Iterator[Replica]:
    with kit_replica(issuer) as replica:
        yield replica


@pytest.fixture(scope="session")
def page_origin() -> str:
    """An allowed origin where a test may serve a page."""
    return f"http://localhost:{free_port()}"


@pytest.fixture(scope="package")
def streams(
    model: Model,
    issuer: Issuer,
    service: Replica,
    page_origin: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """An edge before the kit."""
    root = tmp_path_factory.mktemp("streams")
    origins = (bench.ORIGIN, page_origin)
    deployment = bench.deployment_of(model, root, issuer, [service], origins=origins)
    with bench.running(model, deployment, watching=False) as edge:
        yield edge
