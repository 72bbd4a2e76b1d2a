"""A service's database of a test's own: fresh, migrated, with an owner and an application role."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bridge.migrations import migrate


@asynccontextmanager
async def service_database(superuser: str, migrations: Path) -> AsyncIterator[str]:
    """Give the application role's DSN; `superuser` is the DSN of one who may create databases."""
    name, password = f"test_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    owner = f"{name}_owner"
    try:
        async with _connected(superuser) as admin:
            for role in (owner, name):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
            await admin.execute(f"CREATE DATABASE {name} OWNER {owner}")
        await migrate(_dsn(superuser, owner, password, name), name, [migrations])
        yield _dsn(superuser, name, password, name)
    finally:
        # Another connection: the test may have restarted PostgreSQL.
        async with _connected(superuser) as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            for role in (name, owner):
                await admin.execute(f"DROP ROLE IF EXISTS {role}")


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def _dsn(superuser: str, role: str, password: str, database: str) -> str:
    parts = urlsplit(superuser)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{host}", path=f"/{database}"))
