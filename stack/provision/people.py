"""The users that come with the local realm only."""

from typing import Any

LOCAL_USERS = {"oscar": "operator", "ada": "auditor", "paul": "publisher", "root": "admin"}
"""Name -> role. Customers are not among them: they register."""

ADMINISTRATOR = "root"
"""Registers too, before it is granted its role: an admin may order, and an order of somebody whom
Users does not know would wait for ever."""


def password_of(name: str) -> str:
    """The password of a local user, the registered ones (alice, bob) included."""
    return f"causeway-{name}"


def local_people() -> list[dict[str, Any]]:
    """The local users that come with the realm, in Keycloak's import format."""
    return [
        _representation(name, role) for name, role in LOCAL_USERS.items() if name != ADMINISTRATOR
    ]


def _representation(name: str, role: str) -> dict[str, Any]:
    return {
        "username": name,
        "email": f"{name}@example.com",
        "emailVerified": True,
        "enabled": True,
        "realmRoles": [role],
        "credentials": [{"type": "password", "value": password_of(name), "temporary": False}],
    }
