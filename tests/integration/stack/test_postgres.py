"""PostgreSQL: loopback only, a password for everybody, each service in its own database."""

import asyncpg
import psutil
import pytest

from tests.integration.stack.conftest import Site


async def _setting(site: Site, name: str) -> str:
    connection = await asyncpg.connect(site.dsn("postgres", "postgres"))
    try:
        value: str = await connection.fetchval("SELECT current_setting($1)", name)
        return value
    finally:
        await connection.close()


async def test_it_listens_on_loopback_and_nowhere_else(site: Site) -> None:
    assert await _setting(site, "listen_addresses") == "127.0.0.1"
    assert await _setting(site, "unix_socket_directories") == ""


async def test_passwords_are_kept_as_scram(site: Site) -> None:
    connection = await asyncpg.connect(site.dsn("postgres", "postgres"))
    try:
        rows = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
    finally:
        await connection.close()
    assert rows
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in rows)


async def test_a_wrong_password_is_refused(site: Site) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(site.dsn("orders", "orders"), password="wrong")


@pytest.mark.parametrize("role", ["orders", "orders_owner"])
async def test_a_service_cannot_enter_the_database_of_another(site: Site, role: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(site.dsn(role, "users"))


async def test_the_bridge_may_enter_the_databases_that_it_audits(site: Site) -> None:
    for database in ("orders", "users", "notifications", "bridge"):
        connection = await asyncpg.connect(site.dsn("bridge", database))
        await connection.close()


def test_the_server_does_not_run_as_root(site: Site) -> None:
    pid = int((site.settings.state / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    assert psutil.Process(pid).uids().effective != 0
