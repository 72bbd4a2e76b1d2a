"""The databases and roles of the platform."""

from collections.abc import Sequence

import asyncpg

from stack.components.postgres import superuser_dsn
from stack.credentials import DATABASES, SERVICES, Credentials
from stack.settings import Settings

# Names and passwords can't be parameters of these statements; names are ours, passwords are
# generated without quotes, and both are quoted all the same.
CREATE_ROLE = "CREATE ROLE {name} LOGIN PASSWORD '{password}'"


async def provision_databases(settings: Settings, credentials: Credentials) -> None:
    """Make what is missing; leave what is there.

    Each database belongs to `<name>_owner`, which makes its tables. Each service's own processes
    connect as `<name>`; `bridge` may also connect to the services' databases, for the audit.
    """
    connection = await asyncpg.connect(superuser_dsn(settings, credentials), timeout=5)
    try:
        roles = [*(f"{name}_owner" for name in DATABASES), *SERVICES]
        await _roles(connection, credentials, roles)
        await connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
        for name in DATABASES:
            users = sorted({name, "bridge"}) if name in SERVICES else []
            await _database(connection, name, users)
    finally:
        await connection.close()


async def provision_guest_database(settings: Settings, credentials: Credentials, name: str) -> None:
    """Make the database of a service outside this repository; its own roles alone may connect."""
    connection = await asyncpg.connect(superuser_dsn(settings, credentials), timeout=5)
    try:
        await _roles(connection, credentials, [f"{name}_owner", name])
        await _database(connection, name, [name])
    finally:
        await connection.close()


async def _roles(
    connection: asyncpg.Connection, credentials: Credentials, roles: Sequence[str]
) -> None:
    present = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role in roles:
        if role not in present:
            password = credentials[f"postgres/{role}"].replace("'", "''")
            await connection.execute(CREATE_ROLE.format(name=role, password=password))


async def _database(connection: asyncpg.Connection, name: str, users: Sequence[str]) -> None:
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        await connection.execute(f"CREATE DATABASE {name} OWNER {name}_owner")
    # Repeated at every start: a crash may have come between the two.
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    if users:
        await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {', '.join(users)}")
