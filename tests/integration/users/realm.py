"""A realm of a test's own on a real Keycloak."""

import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keycloak import KeycloakAdmin, KeycloakOpenID

SECRET = "secret-of-the-service-account"
CHEAP = "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)"
"""Password policy: the tests make hundreds of users, and hashing is meant to be dear."""
ROLES = ("manage-users",)


@dataclass(frozen=True)
class Realm:
    """The realm, with an administrator's eyes on it."""

    address: str
    name: str
    admin: KeycloakAdmin

    def user(self, username: str) -> dict[str, object] | None:
        found = self.admin.get_users({"username": username, "exact": "true"})
        return found[0] if found else None

    def roles(self, user_id: str) -> set[str]:
        return {role["name"] for role in self.admin.get_realm_roles_of_user(user_id)}

    def has_password(self, user_id: str) -> bool:
        return [one["type"] for one in self.admin.get_credentials(user_id)] == ["password"]

    def token(self, username: str, password: str) -> str:
        """Log a user in; KeycloakAuthenticationError if that is refused, KeycloakPostError if the
        user is disabled."""
        return str(self._client().token(username, password)["access_token"])

    def refresh_token(self, username: str, password: str) -> str:
        """Log a user in, for later."""
        return str(self._client().token(username, password)["refresh_token"])

    def refresh(self, token: str) -> str:
        """Another access token; KeycloakPostError if that is refused."""
        return str(self._client().refresh_token(token)["access_token"])

    def _client(self) -> KeycloakOpenID:
        return KeycloakOpenID(self.address, self.name, "causeway-cli")


@contextmanager
def _alone() -> Iterator[None]:
    """One process of tests at a time: each realm changes the same role of the master realm, and of
    two at once Keycloak refuses one with 409."""
    with Path(tempfile.gettempdir(), f"causeway-test-realms-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def realm(address: str, password: str) -> Iterator[Realm]:
    """Make a realm as the gateway emits it, as far as Users depends on it."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    admin = KeycloakAdmin(
        server_url=address,
        username="admin",
        password=password,
        realm_name="master",
        user_realm_name="master",
    )
    with _alone():
        admin.create_realm(
            {"realm": name, "enabled": True, "sslRequired": "none", "passwordPolicy": CHEAP}
        )
    try:
        admin.change_current_realm(name)
        _fill(admin)
        yield Realm(address, name, admin)
    finally:
        admin.change_current_realm("master")
        with _alone():
            admin.delete_realm(name)


def _fill(admin: KeycloakAdmin) -> None:
    profile = admin.get_realm_users_profile()
    kept = [a for a in profile["attributes"] if a["name"] in ("username", "email")]
    admin.update_realm_users_profile({"attributes": kept, "unmanagedAttributePolicy": "ADMIN_EDIT"})
    for role in ("customer", "admin", "above"):
        admin.create_realm_role({"name": role})
    admin.add_composite_realm_roles_to_role("above", [admin.get_realm_role("admin")])
    admin.create_client(
        {"clientId": "causeway-cli", "publicClient": True, "directAccessGrantsEnabled": True}
    )
    client = {"clientId": "users", "secret": SECRET, "serviceAccountsEnabled": True}
    number = admin.create_client(client)
    assert number is not None
    account = admin.get_client_service_account_user(number)["id"]
    management = admin.get_client_id("realm-management")
    assert management is not None
    granted = [admin.get_client_role(management, role) for role in ROLES]
    admin.assign_client_role(account, management, granted)
