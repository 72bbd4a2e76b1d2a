"""The corner of the real parts that a run has for itself."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crashpoints.corner import Corner, made


@pytest.fixture(scope="session")
def _parts(request: pytest.FixtureRequest) -> None:
    if "CAUSEWAY_TEST_POSTGRES" not in os.environ:
        request.getfixturevalue("causeway")


@pytest.fixture
async def corner(_parts: None, tmp_path: Path) -> AsyncIterator[Corner]:
    async with made(tmp_path) as corner:
        yield corner
