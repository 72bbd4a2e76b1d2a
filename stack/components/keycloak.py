"""Keycloak on PostgreSQL, with the issuer pinned to its address on loopback."""

from pathlib import Path

from stack.artifacts import Artifacts, locked
from stack.component import Component
from stack.components.http_probe import get
from stack.credentials import Credentials
from stack.java import QUICK_START, AotCache, java
from stack.run import run
from stack.settings import Settings

HEAP = ("-Xms96m", "-Xmx320m", "-XX:MaxMetaspaceSize=256m")

# Decided when the server is built (once per version); docker-compose.yml builds the same.
BUILD_OPTIONS = ("--db=postgres", "--health-enabled=true", "--cache=local")

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
    distribution = artifacts.path("keycloak")
    home = settings.state / "keycloak"
    environment = _environment(settings, credentials)
    fixed = (*HEAP, *QUICK_START, *FIXED, "-cp", str(distribution / "lib" / "quarkus-run.jar"))
    cache = AotCache(settings.cache, "keycloak", (*fixed, *BUILD_OPTIONS))

    def command(aot: tuple[str, ...]) -> tuple[str, ...]:
        own = (f"-Dkc.home.dir={home}", f"-Djboss.server.config.dir={home / 'conf'}")
        return (str(java()), *aot, *fixed, *own, ENTRY, "start", "--optimized")

    async def ready() -> None:
        await get(settings.port.keycloak, "/realms/master")

    async def prepare() -> None:
        await _build(distribution, fixed)
        _make_home(home, distribution)
        await cache.train(command, ready, environment, home)

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
        start_timeout=120.0,  # the first start makes its tables
        directory=home,
    )


def address(settings: Settings) -> str:
    """Where Keycloak is, for its issuer too: http://127.0.0.1:port"""
    return f"http://127.0.0.1:{settings.port.keycloak}"


def issuer(settings: Settings) -> str:
    """What tokens of the realm name as `iss`."""
    return f"{address(settings)}/realms/causeway"


def _environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    port = settings.port
    return {
        "KC_HOSTNAME": address(settings),
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


async def _build(distribution: Path, fixed: tuple[str, ...]) -> None:
    """Build the server for its options, in the cache, once."""
    built = distribution / ".built"
    options = " ".join(BUILD_OPTIONS)
    if built.exists() and built.read_text("utf-8") == options:
        return
    async with locked(distribution.with_suffix(".lock")):
        if built.exists() and built.read_text("utf-8") == options:
            return
        own = (f"-Dkc.home.dir={distribution}",)
        await run([str(java()), *fixed, *own, ENTRY, "build", *BUILD_OPTIONS])
        built.write_text(options, "utf-8")


def _make_home(home: Path, distribution: Path) -> None:
    """A home of this platform's own: its data and settings apart, the program shared."""
    (home / "conf").mkdir(parents=True, exist_ok=True)
    (home / "providers").mkdir(exist_ok=True)
    for name in ("lib", "themes"):
        link = home / name
        if link.is_symlink() and link.readlink() != distribution / name:
            link.unlink()  # of another version
        if not link.is_symlink():
            link.symlink_to(distribution / name)
