"""The settings of the local platform, read from CAUSEWAY_* environment variables.

Ports: CAUSEWAY_PORT_<NAME> places one port exactly; CAUSEWAY_PORT_OFFSET moves all that are
not placed. A port's name that does not exist is refused. Other unknown CAUSEWAY_* names are not:
services have settings of their own, and `causeway env` exports addresses into the same shell.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stack.errors import Code, StackError

REPLICAS = 10
"""Replicas of one service process; replica n listens on its base port + n."""

BROKERS = (1, 2, 3)

DEFAULT_PORTS = {
    "edge": 8080,
    "edge_tls": 8443,
    "edge_admin": 9901,
    "keycloak": 8180,
    "keycloak_management": 9000,
    "kafka_1": 9092,
    "kafka_2": 9093,
    "kafka_3": 9094,
    "kafka_controller_1": 9095,
    "kafka_controller_2": 9096,
    "kafka_controller_3": 9097,
    "registry": 8081,
    "registry_management": 8082,
    "postgres": 5432,
    "smtp": 1025,
    "mailbox": 8025,
    # Where no part listens, but a person's own server may: the one that webhooks reach.
    "webhook": 8090,
    # Below the ranges from which Linux (32768) and macOS (49152) take the local ports of
    # outgoing connections: in there, a service would now and then find its port in use.
    "orders_api": 10100,
    "orders_worker": 10110,
    "users_api": 10120,
    "users_worker": 10130,
    "notifications_api": 10140,
    "notifications_worker": 10150,
    "bridge_api": 10160,
    "bridge_worker": 10170,
}


class Ports(BaseModel):
    """Where everything listens on 127.0.0.1. An unset port is its default plus `offset`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offset: int = Field(default=0, ge=-1024, le=50000)
    edge: int = 0
    edge_tls: int = 0
    edge_admin: int = 0
    keycloak: int = 0
    keycloak_management: int = 0
    kafka_1: int = 0
    kafka_2: int = 0
    kafka_3: int = 0
    kafka_controller_1: int = 0
    kafka_controller_2: int = 0
    kafka_controller_3: int = 0
    registry: int = 0
    registry_management: int = 0
    postgres: int = 0
    smtp: int = 0
    mailbox: int = 0
    webhook: int = 0
    orders_api: int = 0
    orders_worker: int = 0
    users_api: int = 0
    users_worker: int = 0
    notifications_api: int = 0
    notifications_worker: int = 0
    bridge_api: int = 0
    bridge_worker: int = 0

    @model_validator(mode="before")
    @classmethod
    def _apply_offset(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        try:
            offset = int(given.get("offset", 0))
        except (TypeError, ValueError):
            return given  # the field's own check words the error
        return {name: port + offset for name, port in DEFAULT_PORTS.items()} | given

    @field_validator(*DEFAULT_PORTS)
    @classmethod
    def _is_a_port(cls, port: int) -> int:
        if not 1 <= port <= 65535 - REPLICAS:
            raise ValueError(f"{port} is not a port between 1 and {65535 - REPLICAS}")
        return port

    @model_validator(mode="after")
    def _no_part_takes_webhooks(self) -> "Ports":
        for name in DEFAULT_PORTS.keys() - {"webhook"}:
            replicas = REPLICAS if name.endswith(("_api", "_worker")) else 1
            if 0 <= self.webhook - getattr(self, name) < replicas:
                raise ValueError(
                    f"webhook and {name} share port {self.webhook}, and customers' webhooks must"
                    f" reach no part: move one by CAUSEWAY_PORT_WEBHOOK or"
                    f" CAUSEWAY_PORT_{name.upper()}"
                )
        return self

    def brokers(self) -> tuple[int, ...]:
        """The client ports of the three brokers, in order."""
        return (self.kafka_1, self.kafka_2, self.kafka_3)

    def controllers(self) -> tuple[int, ...]:
        """The ports on which the brokers' controllers talk to each other."""
        return (self.kafka_controller_1, self.kafka_controller_2, self.kafka_controller_3)


def _default_state() -> Path:
    """`.causeway` of the checkout that this module is in; of the working directory otherwise."""
    checkout = Path(__file__).resolve().parent.parent
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / ".causeway"


def _default_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("causeway", appauthor=False)


def _is_origin(text: str) -> bool:
    """Whether a browser could send it as `Origin`: scheme, host, perhaps a port, no more."""
    try:
        url = urlsplit(text)
        well = url.port is None or url.port > 0
    except ValueError:
        return False
    web = url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc
    return well and web and "*" not in text and text == f"{url.scheme}://{url.netloc}".lower()


class Settings(BaseSettings):
    """CAUSEWAY_STATE: data, logs, secrets. CAUSEWAY_CACHE: downloads, shared by checkouts.

    CAUSEWAY_ORIGINS: a comma list of the exact origins whose pages may call; empty: none.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    port: Ports = Field(default_factory=lambda: Ports.model_validate({}))
    state: Path = Field(default_factory=_default_state)
    cache: Path = Field(default_factory=_default_cache)
    origins: Annotated[tuple[str, ...], NoDecode] = ("http://localhost:3000",)

    @field_validator("origins", mode="before")
    @classmethod
    def _list(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        return tuple(part.strip() for part in given.split(",") if part.strip())

    @field_validator("origins")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _is_origin(origin):
                raise ValueError(f"{origin!r} is no origin such as http://localhost:3000")
        return origins

    @field_validator("state", "cache")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def logs(self) -> Path:
        """The folder with one log per component."""
        return self.state / "logs"


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises StackError SETTING_INVALID that names the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problem = error.errors()[0]
        variable = "CAUSEWAY_" + "_".join(str(part) for part in problem["loc"]).upper()
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            reason = "there is no such setting"
        raise StackError(
            Code.SETTING_INVALID, f"{variable}: {reason}", "causeway up --help", usage=True
        ) from None


def port_name(setting: str, replica: int) -> str:
    """The name of a replica's port: those beyond the first have no setting of their own."""
    return setting if replica == 1 else f"{setting} (replica {replica})"


def setting_of(port_name: str) -> str:
    """The setting that a port follows, e.g. "orders_api (replica 2)" -> "orders_api"."""
    return port_name.partition(" ")[0]


def variable_of(port_name: str) -> str:
    """The environment variable that moves a port, e.g. "kafka_1" -> "CAUSEWAY_PORT_KAFKA_1"."""
    return f"CAUSEWAY_PORT_{setting_of(port_name).upper()}"
