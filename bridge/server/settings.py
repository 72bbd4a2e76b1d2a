"""What the server kit reads from the environment (`CAUSEWAY_*`)."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def split(value: object) -> object:
    """Split a comma list."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class ServerSettings(BaseSettings):
    """Settings of one gRPC server. Times are seconds."""

    model_config = SettingsConfigDict(
        env_prefix="CAUSEWAY_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    issuer: str
    jwks: str
    # Clients (`azp`) whose tokens count.
    clients: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = Field(min_length=1)
    audience: str = "causeway-api"
    # What a token may have left to live at most, as the realm gives it.
    token_life: float = 300.0
    # Who may use server reflection; empty: any valid token.
    reflection_roles: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = ()
    # Which events deactivate the user that is their key, `topic/event.Type`; empty: none do.
    deactivations: str = Field(default="", pattern="^([^/]+/[^/]+)?$")
    # Signs page tokens; every replica of a service has the same one.
    signing_key: SecretStr = Field(min_length=16)

    # NOT_SERVING stands this long before calls are refused, so that a balancer sees it first.
    drain_delay: float = 0.5
    # Running calls get this long to end, and background tasks after them as long again.
    drain_grace: float = 6.0
    # A silent stream gives a sign of life; the edge cuts one that is idle for 60 s.
    heartbeat: float = Field(default=15.0, gt=0, lt=60)
    # Of the process; streams leave room for the calls that end soon.
    max_concurrent_calls: int = Field(default=2000, gt=0)
    max_open_streams: int = Field(default=1500, gt=0)
    max_streams_per_subject: int = Field(default=50, gt=0)
    # Of one connection, calls and streams.
    max_concurrent_streams: int = Field(default=100, gt=0)

    @model_validator(mode="after")
    def _room_for_calls(self) -> Self:
        if self.max_open_streams >= self.max_concurrent_calls:
            raise ValueError("max_open_streams must be smaller than max_concurrent_calls")
        return self
