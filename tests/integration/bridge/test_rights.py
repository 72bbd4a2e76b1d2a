"""What the roles may do, as PostgreSQL sees it: history is added to, never changed."""

import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from bridge.migrations import migrate
from tests.integration.bridge.parts import own_database

HISTORY = ("events", "seals", "published", "discarded")
CONTROL = {
    ("parked", "discard_actor"),
    ("parked", "discard_time"),
    ("parked", "redrive_actor"),
    ("parked", "redrive_time"),
    ("replays", "cancel_requested"),
    ("replays", "update_time"),
}


@pytest.fixture
async def roles() -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection, str, str]]:
    """Sessions of a service and of the bridge's API on one database, and their roles' names."""
    async with own_database() as (superuser, owner, dsn):
        service, audit = dsn.rpartition("/")[2], f"t-audit-{uuid.uuid4().hex[:12]}"
        root = await asyncpg.connect(superuser)
        await root.execute(f"CREATE ROLE \"{audit}\" LOGIN PASSWORD '{audit}'")
        making = await asyncpg.connect(owner)
        await making.execute("CREATE TABLE public.secrets (secret text)")
        await making.close()
        await migrate(owner, service, audit_role=audit)
        app, api = await asyncpg.connect(dsn), await asyncpg.connect(_as(dsn, audit))
        try:
            yield app, api, service, audit
        finally:
            await app.close()
            await api.close()
            await root.execute(f'DROP OWNED BY "{audit}"')
            await root.execute(f'DROP ROLE "{audit}"')
            await root.close()


def _as(dsn: str, role: str) -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{role}@{host}"))


Roles = tuple[asyncpg.Connection, asyncpg.Connection, str, str]


async def refused(connection: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


async def tables(connection: asyncpg.Connection, role: str, schema: str) -> dict[str, set[str]]:
    """By table, what a role may do with the whole of it."""
    rows = await connection.fetch(
        "SELECT relname, ARRAY(SELECT p FROM unnest($3::text[]) AS p"
        " WHERE has_table_privilege($1, oid, p)) AS held"
        " FROM pg_class WHERE relnamespace = $2::text::regnamespace AND relkind = 'r'",
        role,
        schema,
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"],
    )
    return {row["relname"]: set(row["held"]) for row in rows}


async def updatable(connection: asyncpg.Connection, role: str) -> set[tuple[str, str]]:
    """The columns in the schema `bridge` that a role may update, as (table, column)."""
    rows = await connection.fetch(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'bridge'::regnamespace AND relkind = 'r' AND attnum > 0"
        " AND NOT attisdropped AND has_column_privilege($1, attrelid, attnum, 'UPDATE')",
        role,
    )
    return {(row["relname"], row["attname"]) for row in rows}


async def test_the_service_adds_to_history_and_can_never_change_it(roles: Roles) -> None:
    app, _, service, _ = roles
    held = await tables(app, service, "bridge")
    for table in HISTORY:
        assert held[table] == {"SELECT", "INSERT"}, table
        await refused(app, f"DELETE FROM bridge.{table}")  # noqa: S608 (no input)
        await refused(app, f"TRUNCATE bridge.{table}")
    assert not [one for one in await updatable(app, service) if one[0] in HISTORY]
    # Nor around the tables.
    await refused(app, "UPDATE bridge.events SET actor = 'x'")
    await refused(app, "ALTER TABLE bridge.events DISABLE TRIGGER ALL")
    await refused(app, "DROP TABLE bridge.seals")
    await refused(app, "SELECT setval('bridge.events_position_seq', 1)")
    await refused(app, "CREATE TABLE bridge.mine ()")
    await refused(app, "SET session_replication_role = replica")


async def test_the_bridges_api_writes_the_control_columns_alone(roles: Roles) -> None:
    _, api, _, audit = roles
    held = await tables(api, audit, "bridge")
    assert {"events", "outbox", "inbox", "requests", "snapshots", *HISTORY} <= set(held)
    assert held.pop("replays") == {"SELECT", "INSERT"}
    assert all(may == {"SELECT"} for may in held.values()), held
    assert await updatable(api, audit) == CONTROL
    await refused(api, "UPDATE bridge.replays SET state = 'succeeded'")
    await refused(api, "UPDATE bridge.parked SET value = ''")
    await refused(api, "DELETE FROM bridge.parked")
    await refused(api, "UPDATE bridge.events SET actor = 'x'")
    await refused(api, "INSERT INTO bridge.seals (seq, position, prev, hash) VALUES (1, 1, '', '')")
    await refused(api, "CREATE TABLE bridge_shadow.mine ()")


async def test_the_bridges_api_does_not_see_the_services_own_tables(roles: Roles) -> None:
    app, api, service, audit = roles
    assert (await tables(app, service, "public"))["secrets"] >= {"SELECT", "UPDATE"}
    assert not any((await tables(api, audit, "public")).values())
    await refused(api, "SELECT * FROM public.secrets")
