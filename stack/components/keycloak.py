"""Keycloak on PostgreSQL, with the issuer pinned to its address on loopback."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

from stack.artifacts import Artifacts, locked
from stack.component import Component
from stack.components.http_probe import get
from stack.credentials import Credentials
from stack.java import QUICK_START, START_LIMIT, AotCache, java, scratch
from stack.run import run
from stack.settings import Settings

HEAP = ("-Xms96m", "-Xmx320m", "-XX:MaxMetaspaceSize=256m")

# Decided when the server is built (once per version); docker-compose.yml builds the same.
BUILD_OPTIONS = ("--db=postgres", "--health-enabled=true")

ENTRY = "io.quarkus.bootstrap.runner.QuarkusEntryPoint"

# What bin/kc.sh of the distribution passes. The script itself is not used: it stays between
# the supervisor and Java, and asks for more of the system than a shell.
FIXED = (
    "-Dfile.encoding=UTF-8",
    "-Duser.language=en",
    "-Duser.country=US",
    "-Djava.security.egd=file:/dev/urandom",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
    "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Dpicocli.disable.closures=true",
    "-Dquarkus-log-max-startup-records=10000",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
)


def keycloak(settings: Settings, credentials: Credentials, artifacts: Artifacts) -> Component:
    """The identity provider. Ready when it serves a realm."""
    pristine = artifacts.path("keycloak")
    distribution = _built(settings.cache, pristine)
    home = settings.state / "keycloak"
    environment = _environment(settings, credentials)
    fixed = (*HEAP, *QUICK_START, *FIXED, "-cp", str(distribution / "lib" / "quarkus-run.jar"))
    cache = AotCache(settings.cache, "keycloak", (*fixed, "cache=local", "trained=administration"))

    def command(aot: tuple[str, ...]) -> tuple[str, ...]:
        own = (
            f"-Dkc.home.dir={home}",
            f"-Djboss.server.config.dir={home / 'conf'}",
            scratch(home),
        )
        return (str(java()), *aot, *fixed, *own, ENTRY, "start", "--optimized")

    async def ready() -> None:
        await get(settings.port.keycloak, "/realms/master")

    async def prepare() -> None:
        await _build(pristine, distribution)
        _make_home(home, distribution)
        await cache.train(command, administered, environment, home)

    async def administered() -> None:
        # What every start does next, so that the cache holds its classes too.
        await ready()
        await _administer(address(settings), credentials["keycloak/admin"])

    return Component(
        name="keycloak",
        command=command(cache.use()),
        environment=environment,
        after=("databases",),
        ready=ready,
        prepare=prepare,
        ports={
            "keycloak": settings.port.keycloak,
            "keycloak_management": settings.port.keycloak_management,
        },
        start_timeout=START_LIMIT,
        directory=home,
    )


def address(settings: Settings) -> str:
    """Where Keycloak is, for its issuer too: http://127.0.0.1:port"""
    return f"http://127.0.0.1:{settings.port.keycloak}"


def _environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    port = settings.port
    return {
        "KC_HOSTNAME": address(settings),
        # One server: else it opens a port to all, and each start waits 20 s for its last self.
        "KC_CACHE": "local",
        "KC_HTTP_ENABLED": "true",
        "KC_HTTP_HOST": "127.0.0.1",
        "KC_HTTP_PORT": str(port.keycloak),
        "KC_HTTP_MANAGEMENT_PORT": str(port.keycloak_management),
        "KC_DB_URL": f"jdbc:postgresql://127.0.0.1:{port.postgres}/keycloak",
        "KC_DB_USERNAME": "keycloak_owner",
        "KC_DB_PASSWORD": credentials["postgres/keycloak_owner"],
        "KC_DB_POOL_INITIAL_SIZE": "2",
        "KC_DB_POOL_MAX_SIZE": "20",
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": credentials["keycloak/admin"],
        "KC_LOG_LEVEL": "info",
        "KC_LOG_CONSOLE_COLOR": "false",
    }


async def _administer(keycloak: str, password: str) -> None:
    """Log in and look around, as the step does that brings the realm into line."""
    import httpx

    form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin"}
    async with httpx.AsyncClient(base_url=keycloak, timeout=20) as http:
        path = "/realms/master/protocol/openid-connect"
        answer = await http.post(f"{path}/token", data={**form, "password": password})
        answer.raise_for_status()
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        for part in ("", "/users/profile", "/roles", "/clients", "/users?username=admin"):
            seen = await http.get(f"/admin/realms/master{part}", headers=headers)
            seen.raise_for_status()
        (await http.get(f"{path}/certs")).raise_for_status()


def _built(cache: Path, pristine: Path) -> Path:
    """Where the server that was built for our options is or will be."""
    mark = hashlib.sha256(" ".join(BUILD_OPTIONS).encode()).hexdigest()[:8]
    return cache / "built" / f"{pristine.name}-{mark}"


async def _build(pristine: Path, built: Path) -> None:
    """Build the server for its options, once: beside its place, then renamed there.

    Never where it was unpacked: another platform may run from there at this moment.
    """
    if _present(built):
        return
    built.parent.mkdir(parents=True, exist_ok=True)
    async with locked(built.with_suffix(".lock")):
        if _present(built):
            return
        copy = built.with_suffix(".new")
        shutil.rmtree(copy, ignore_errors=True)  # what a killed start left
        try:
            await asyncio.to_thread(_copy, pristine, copy)
            jar = copy / "lib" / "quarkus-run.jar"
            own = (f"-Dkc.home.dir={copy}", "-cp", str(jar))
            await run([str(java()), *QUICK_START, *FIXED, *own, ENTRY, "build", *BUILD_OPTIONS])
            copy.replace(built)
        finally:
            shutil.rmtree(copy, ignore_errors=True)


def _present(directory: Path) -> bool:
    return directory.is_dir()


def _copy(pristine: Path, target: Path) -> None:
    """A copy that shares the files on disk, but for those that a build writes."""
    shutil.copytree(pristine, target, copy_function=_link)
    shutil.rmtree(target / "lib" / "quarkus")
    shutil.copytree(pristine / "lib" / "quarkus", target / "lib" / "quarkus")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def _make_home(home: Path, distribution: Path) -> None:
    """A home of this platform's own: its data and settings apart, the program shared."""
    (home / "conf").mkdir(parents=True, exist_ok=True)
    (home / "providers").mkdir(exist_ok=True)
    (home / "tmp").mkdir(exist_ok=True)
    for name in ("lib", "themes"):
        link = home / name
        if link.is_symlink() and link.readlink() != distribution / name:
            link.unlink()  # of another version
        if not link.is_symlink():
            link.symlink_to(distribution / name)
