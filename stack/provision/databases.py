"""The databases and roles of the platform."""

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
        await _roles(connection, credentials)
        await _databases(connection)
    finally:
        await connection.close()


async def _roles(connection: asyncpg.Connection, credentials: Credentials) -> None:
    present = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role in [*(f"{name}_owner" for name in DATABASES), *SERVICES]:
        if role not in present:
            password = credentials[f"postgres/{role}"].replace("'", "''")
            await connection.execute(CREATE_ROLE.format(name=role, password=password))


async def _databases(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch("SELECT datname FROM pg_database")
    present = {row["datname"] for row in rows}
    await connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
    for name in DATABASES:
        if name not in present:
            await connection.execute(f"CREATE DATABASE {name} OWNER {name}_owner")
        # Repeated at every start: a crash may have come between the two.
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        if name in SERVICES:
            readers = name if name == "bridge" else f"{name}, bridge"
            await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {readers}")
