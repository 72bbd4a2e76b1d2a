"""The users that come with the local realm only."""

from typing import Any

LOCAL_USERS = {"oscar": "operator", "ada": "auditor", "paul": "publisher", "root": "admin"}
"""Name -> role. Customers are not among them: they register."""


def password_of(name: str) -> str:
    """The password of a local user, the registered ones (alice, bob) included."""
    return f"causeway-{name}"


def local_people() -> list[dict[str, Any]]:
    """The local users in Keycloak's import format."""
    return [_representation(name, role) for name, role in LOCAL_USERS.items()]


def _representation(name: str, role: str) -> dict[str, Any]:
    return {
        "username": name,
        "email": f"{name}@example.com",
        "emailVerified": True,
        "enabled": True,
        "realmRoles": [role],
        "credentials": [{"type": "password", "value": password_of(name), "temporary": False}],
    }
