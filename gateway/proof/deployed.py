"""What a deployment adds to the protos, as the proof is told it."""

from dataclasses import dataclass

from gateway.proof.surface import Rpc, Surface, reflection

AUDIENCE = "causeway-api"
CLI = "causeway-cli"
TOKEN_LIFE = 300
"""Seconds that an access token lives at most."""
SKEW = 10
COOKIE = "causeway_token"
"""Where a browser's EventSource may show its token: for the GET of a stream alone."""
HEALTH_PATHS = ("/healthz", "/readyz")
DOCUMENTS = ("/openapi.json", "/asyncapi.json")
"""Declared exceptions: what the edge answers itself without a token, and is no method."""
READING = "GET|HEAD"
"""The verbs of a document."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """`issuer`: exact `iss`. `reflection_roles`: who may use it; empty: any valid token."""

    surface: Surface
    issuer: str
    reflection_roles: tuple[str, ...] = ()

    @property
    def reflection(self) -> tuple[Rpc, ...]:
        """The methods of server reflection."""
        return reflection(self.reflection_roles)

    @property
    def rpcs(self) -> tuple[Rpc, ...]:
        """Every method that the edge may let through."""
        return (*self.surface.rpcs, *self.reflection)

    @property
    def clients(self) -> tuple[str, ...]:
        """Whose tokens count: `azp`."""
        return (CLI, *self.surface.areas)
