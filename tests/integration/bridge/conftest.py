"""Fixtures on the real parts that the environment names."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bridge.database import open_pool
from tests.integration.bridge.parts import (
    Parts,
    catalog_on,
    kafka_settings,
    own_database,
    own_topic,
    store_on,
)


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    kafka = kafka_settings()
    async with own_database() as (superuser, owner, dsn), own_topic(kafka) as topic:
        catalog = catalog_on(topic)
        yield Parts(superuser, owner, dsn, kafka, topic, catalog, store_on(catalog))


@pytest.fixture
async def pool(parts: Parts) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(parts.dsn, max_size=10)
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
async def connection(parts: Parts) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(parts.dsn)
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
def registry() -> str:
    """The base of its Confluent API."""
    return os.environ["CAUSEWAY_TEST_REGISTRY"]
