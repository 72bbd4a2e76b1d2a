"""What a deployment adds to the protos, as the proof is told it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.proof.site import Address, Site
from gateway.proof.surface import Rpc, Surface, reflection

AUDIENCE = "causeway-api"
CLI = "causeway-cli"
TOKEN_LIFE = 300
"""Seconds that an access token lives at most."""
SKEW = 10
PAYLOAD = "jwt"
"""Key of a verified token's claims, in what the token filter leaves behind."""
NAMESPACE = "envoy.filters.http.jwt_authn"
COOKIE = "causeway_token"
"""Where a browser's EventSource may show its token: for the GET of a stream alone."""
HEALTH_PATHS = ("/healthz", "/readyz")
DOCUMENTS = ("/openapi.json", "/asyncapi.json")
"""Declared exceptions: what the edge answers itself without a token, and is no method."""
READING = "GET|HEAD"
"""The verbs of a document."""


KEYCLOAK = "keycloak"
"""The cluster that the keys are fetched through."""
COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the protos promise, and the place at which it must hold."""

    surface: Surface
    site: Site

    @property
    def issuer(self) -> str:
        """The exact `iss`."""
        return self.site.issuer

    @property
    def keys(self) -> str:
        """The address of the issuer's keys, as the edge asks for them."""
        keycloak = self.site.keycloak
        realm = urlsplit(self.issuer).path
        return f"http://{keycloak.host}:{keycloak.port}{realm}/protocol/openid-connect/certs"

    @property
    def reflection(self) -> tuple[Rpc, ...]:
        """The methods of server reflection."""
        return reflection(self.site.reflection_roles)

    @property
    def rpcs(self) -> tuple[Rpc, ...]:
        """Every method that the edge may let through."""
        return (*self.surface.rpcs, *self.reflection)

    @property
    def clients(self) -> tuple[str, ...]:
        """Whose tokens count: `azp`."""
        return (CLI, *self.surface.areas)

    def watched(self, name: str) -> dict[str, Any]:
        """The one place from which Envoy may read a part of its configuration."""
        root = self.site.root
        source = {"path": f"{root}/current/{name}", "watched_directory": {"path": root}}
        return {"resource_api_version": "V3", "path_config_source": source}


def socket_address(address: Address) -> dict[str, Any]:
    """An address as Envoy is told it."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def seconds(value: float) -> str:
    """A duration as protobuf's JSON spells it: whole seconds, or thousandths."""
    return f"{value:.0f}s" if value == int(value) else f"{value:.3f}s"
