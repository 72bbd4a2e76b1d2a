"""The names that edge and realm must agree on."""

from gateway.model import Model

REALM = "causeway"
AUDIENCE = "causeway-api"
CLI = "causeway-cli"
TOKEN_LIFE = 300
"""Seconds that an access token lives."""
ACCESS_TOKEN_TYPE = "Bearer"  # noqa: S105 (Keycloak's `typ` of access tokens; ID tokens have "ID")


def client_ids(model: Model) -> tuple[str, ...]:
    """Every client of the realm, and so every `azp` that a token may carry."""
    return (CLI, *model.areas)


def jwks_path() -> str:
    """Where Keycloak publishes the realm's public keys."""
    return f"/realms/{REALM}/protocol/openid-connect/certs"
