import pytest

from gateway.descriptors import DESCRIPTORS
from gateway.proof.surface import Surface, surface


@pytest.fixture(scope="session")
def promise() -> Surface:
    return surface(DESCRIPTORS.read_bytes())
