"""Apicurio Registry, which keeps its schemas in PostgreSQL."""

from pathlib import Path

from stack.artifacts import Artifacts
from stack.component import Component
from stack.components.http_probe import get
from stack.credentials import Credentials
from stack.java import QUICK_START, START_LIMIT, AotCache, java, scratch
from stack.settings import Settings

HEAP = ("-Xms48m", "-Xmx192m")

# What clients rely on; docker-compose.yml sets the same.
REGISTRY_SETTINGS = {
    "apicurio.storage.kind": "sql",
    "apicurio.storage.sql.kind": "postgresql",
    # The rule that new subjects get; FULL refuses even an added field.
    "apicurio.rules.global.compatibility": "BACKWARD_TRANSITIVE",
}

# Ours to choose for a small machine that serves itself.
LOCAL_SETTINGS = {
    "quarkus.http.host": "127.0.0.1",
    "quarkus.management.host": "127.0.0.1",
    "quarkus.banner.enabled": "false",
    "quarkus.log.level": "WARN",
    "quarkus.http.access-log.enabled": "false",
    "apicurio.datasource.jdbc.min-size": "2",
    "apicurio.datasource.jdbc.max-size": "8",
    "apicurio.datasource.jdbc.initial-size": "2",
}


def registry(settings: Settings, credentials: Credentials, artifacts: Artifacts) -> Component:
    """The schema registry. Ready when its Confluent API lists subjects."""
    directory = artifacts.path("registry")
    home = settings.state / "registry"
    jar = directory / "quarkus-run.jar"
    flags = (*HEAP, *QUICK_START)
    cache = AotCache(settings.cache, "registry", (*flags, str(directory)))
    environment = _environment(settings, credentials)

    def command(aot: tuple[str, ...]) -> tuple[str, ...]:
        return (str(java()), *aot, *flags, scratch(home), "-jar", str(jar))

    async def ready() -> None:
        await get(settings.port.registry, "/apis/ccompat/v7/subjects")

    async def prepare() -> None:
        _make_home(home)
        await cache.train(command, ready, environment, home)

    return Component(
        name="registry",
        command=command(cache.use()),
        environment=environment,
        after=("databases",),
        ready=ready,
        prepare=prepare,
        ports={
            "registry": settings.port.registry,
            "registry_management": settings.port.registry_management,
        },
        start_timeout=START_LIMIT,
        directory=home,
    )


def _make_home(home: Path) -> None:
    (home / "tmp").mkdir(parents=True, exist_ok=True)


def _environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """Its settings as environment variables: a password has no place on a command line."""
    port = settings.port
    options = {
        **REGISTRY_SETTINGS,
        **LOCAL_SETTINGS,
        "quarkus.http.port": str(port.registry),
        "quarkus.management.port": str(port.registry_management),
        "apicurio.datasource.url": f"jdbc:postgresql://127.0.0.1:{port.postgres}/registry",
        "apicurio.datasource.username": "registry_owner",
        "apicurio.datasource.password": credentials["postgres/registry_owner"],
    }
    return {_variable(name): value for name, value in options.items()}


def _variable(name: str) -> str:
    # MicroProfile Config: what is neither letter nor digit becomes an underscore.
    return "".join(c if c.isalnum() else "_" for c in name).upper()
