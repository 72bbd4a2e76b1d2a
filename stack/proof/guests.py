"""Clients of the realm that the compiler did not emit, for as long as it takes to get a token.

Their tokens go on to be well signed when the clients are gone, which is what the proof needs.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.provision.realm import Administrator, Json

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

PREFIX = "causeway-proof-"
SHORT_LIFE = 1
"""Seconds that a token of the client with short ones lives."""


@contextmanager
def guests(administrator: Administrator, realm: str, audience: str) -> Iterator[tuple[str, str]]:
    """Two clients with our audience: one whose tokens live as usual, one with short ones.

    Removed at the end whatever happens; what a killed run left behind is removed at the start,
    and at the next start of the platform. Blocking.
    """
    admin = _login(administrator, realm)
    _remove(admin)
    mark = secrets.token_hex(4)
    names = f"{PREFIX}{mark}-stranger", f"{PREFIX}{mark}-brief"
    try:
        admin.create_client(_client(names[0], audience, {}))
        brief = {"access.token.lifespan": str(SHORT_LIFE)}
        admin.create_client(_client(names[1], audience, brief))
        yield names
    finally:
        _remove(admin)


def remove_left(administrator: Administrator, realm: str) -> None:
    """Remove what a killed run left behind; not while one runs. Blocking."""
    _remove(_login(administrator, realm))


def _login(administrator: Administrator, realm: str) -> "KeycloakAdmin":
    from keycloak import KeycloakAdmin

    admin = KeycloakAdmin(
        server_url=administrator.address,
        username=administrator.username,
        password=administrator.password,
        user_realm_name="master",
        realm_name="master",
    )
    admin.change_current_realm(realm)
    return admin


def _remove(admin: "KeycloakAdmin") -> None:
    for client in admin.get_clients():
        if str(client["clientId"]).startswith(PREFIX):
            admin.delete_client(client["id"])


def _client(name: str, audience: str, attributes: dict[str, str]) -> Json:
    mapper = {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": audience, "access.token.claim": "true"},
    }
    return {
        "clientId": name,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": True,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": True,
        "fullScopeAllowed": True,
        "attributes": attributes,
        "protocolMappers": [mapper],
    }
