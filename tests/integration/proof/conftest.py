from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from gateway import identity
from gateway.descriptors import DESCRIPTORS
from gateway.envoy.edge import Edge
from gateway.model import Model
from gateway.proof.surface import Surface, surface
from tests.integration.edge.conftest import issuer, model  # noqa: F401 (fixtures)
from tests.integration.edge.issuer import Issuer
from tests.integration.proof import kit
from tests.integration.proof.stage import Stage, staged

Play: TypeAlias = Callable[..., Stage]


@pytest.fixture(scope="session", autouse=True)
def _platform() -> None:
    """The proof is tested before a small service of its own: no platform is started for it."""


@pytest.fixture(scope="session")
def promise() -> Surface:
    return surface(DESCRIPTORS.read_bytes())


@pytest.fixture(scope="session")
def sound(
    model: Model,  # noqa: F811
    issuer: Issuer,  # noqa: F811
) -> Iterator[int]:
    """A service without a hole."""
    with kit.serving(issuer, identity.client_ids(model)) as port:
        yield port


@pytest.fixture
def play(
    model: Model,  # noqa: F811
    promise: Surface,
    issuer: Issuer,  # noqa: F811
    sound: int,
    tmp_path: Path,
) -> Iterator[Play]:
    """Start an edge with a hole before the sound service: play(change)."""
    with ExitStack() as stack:

        def begin(change: Callable[[Edge], Edge] = lambda edge: edge) -> Stage:
            root = tmp_path / "edge"
            return stack.enter_context(staged(model, promise, issuer, sound, root, change))

        yield begin


@pytest.fixture
def holed(
    model: Model,  # noqa: F811
    promise: Surface,
    issuer: Issuer,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Play]:
    """Start a sound edge before a service of its own, whose steps the test has replaced."""
    with ExitStack() as stack:

        def begin() -> Stage:
            port = stack.enter_context(kit.serving(issuer, identity.client_ids(model)))
            return stack.enter_context(staged(model, promise, issuer, port, tmp_path / "edge"))

        yield begin
