"""Tests of single parts run against the session's platform, or against the parts that the
environment names (CAUSEWAY_TEST_POSTGRES and so on)."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _platform(request: pytest.FixtureRequest) -> None:
    if "CAUSEWAY_TEST_POSTGRES" not in os.environ:
        request.getfixturevalue("causeway")
