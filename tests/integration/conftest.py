"""Tests of single parts run against the session's platform, or against the parts that the
environment names (CAUSEWAY_TEST_POSTGRES and so on)."""

import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.unit.server.conftest import Issuer


@pytest.fixture(scope="session", autouse=True)
def _platform(request: pytest.FixtureRequest) -> None:
    if "CAUSEWAY_TEST_POSTGRES" not in os.environ:
        request.getfixturevalue("causeway")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().serving() as issuer:
        yield issuer


@pytest.fixture
async def superuser(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Another role in the database of the test, as somebody who repairs rows by hand has."""
    parts = urlsplit(os.environ["CAUSEWAY_TEST_POSTGRES"])
    dsn = urlunsplit(parts._replace(path=urlsplit(database).path))
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()
