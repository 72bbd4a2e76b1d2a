"""Keycloak as its administrator sees it."""

from keycloak import KeycloakAdmin

from tests.integration.stack.conftest import Site


def keycloak(site: Site, name: str) -> KeycloakAdmin:
    return KeycloakAdmin(
        server_url=site.administrator.address,
        username=site.administrator.username,
        password=site.administrator.password,
        user_realm_name="master",
        realm_name=name,
    )
