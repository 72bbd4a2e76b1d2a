"""The parts that these tests kill: their own, started once for all of them."""

from collections.abc import Iterator

import pytest

from tests.torture.place import Place, started


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    with started() as running:
        yield running
