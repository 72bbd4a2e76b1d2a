"""The registry's rule, and that it keeps its schemas in PostgreSQL."""

import asyncpg
import httpx

from tests.integration.stack.conftest import Site


def test_new_versions_must_read_everything_that_was_ever_written(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.port.registry}/apis/ccompat/v7/config", timeout=10)
    assert answer.json() == {"compatibilityLevel": "BACKWARD_TRANSITIVE"}


async def test_schemas_are_rows_in_postgresql(site: Site) -> None:
    connection = await asyncpg.connect(site.dsn("registry_owner", "registry"))
    try:
        assert await connection.fetchval("SELECT to_regclass('public.content') IS NOT NULL")
    finally:
        await connection.close()
