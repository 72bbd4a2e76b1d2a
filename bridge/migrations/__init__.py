"""The tables of the bridge, and a service's own beside them."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from bridge.sql import queries

LOCK = 0x6D696772  # "migr": one migration of a database at a time
HERE = Path(__file__).parent


async def migrate(
    owner_dsn: str, app_role: str, extra: Sequence[Path] = (), *, audit_role: str = "bridge"
) -> None:
    """Bring a database up to date: schema `bridge` first, then the .sql files of `extra`.

    `extra` lists folders of .sql files in pogo's format. `app_role` then gets its rights:
    everything but UPDATE and DELETE on events, seals and published. `audit_role` (the bridge's
    API) may read the schema `bridge` and write control rows; left out where there is no such
    role. Idempotent; concurrent calls wait for each other.
    """
    connection = await asyncpg.connect(owner_dsn, timeout=30)
    try:
        await connection.execute(queries("migrations")["lock"], LOCK)
        for folder in (HERE, *extra):
            await _apply(connection, folder)
        await _grant(connection, "service", app_role)
        if audit_role != app_role and await _present(connection, audit_role):
            await _grant(connection, "audit", audit_role)
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, folder: Path) -> None:
    # Here, because only migrations need the SQL parser behind it.
    from pogo_core.util.migrate import apply

    # Apart from this module: pogo takes every .py beside the .sql files for a migration too.
    with tempfile.TemporaryDirectory() as apart:
        _copy_sql(folder, Path(apart))
        await apply(connection, Path(apart), schema_name="public")


def _copy_sql(folder: Path, to: Path) -> None:
    for file in folder.glob("*.sql"):
        shutil.copy(file, to)


async def _grant(connection: asyncpg.Connection, query: str, role: str) -> None:
    # A role's name can't be a parameter of GRANT.
    quoted = '"' + role.replace('"', '""') + '"'
    await connection.execute(queries("rights")[query].format(role=quoted))


async def _present(connection: asyncpg.Connection, role: str) -> bool:
    return bool(role) and bool(await connection.fetchval(queries("rights")["present"], role))
