"""The users that come with a realm: its service accounts and, locally, its people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stack.provision.change import Change, calling

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    """Roles that a user lacks, or has too many of; `client` None for roles of the realm."""

    client: str | None
    missing: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def __str__(self) -> str:
        of = f" of {self.client}" if self.client else ""
        words = (("granted", self.missing), ("withdrawn", self.extra))
        return ", ".join(f"{word} {', '.join(names)}{of}" for word, names in words if names)


def plan_users(admin: "KeycloakAdmin", wanted: Json) -> Iterator[Change]:
    """Make those who are missing, and give them their roles. All other users are left alone.

    A role of the realm is only ever added: what somebody was granted by hand stays theirs.
    """
    for user in wanted.get("users", []):
        name = user["username"]
        number = _number(admin, name)
        if number is None:
            yield calling(f"new user {name}", _make, admin, user)
        elif grants := [str(grant) for grant in _grants(admin, number, user)]:
            yield calling(f"user {name}: {', '.join(grants)}", _make, admin, user)


def _make(admin: "KeycloakAdmin", user: Json) -> None:
    own = {k: v for k, v in user.items() if k not in ("realmRoles", "clientRoles")}
    # The service account of a client that was only just made is there by now.
    give_roles(admin, _number(admin, user["username"]) or admin.create_user(own), user)


def give_roles(admin: "KeycloakAdmin", number: str, user: Json) -> None:
    """Add realm roles that are missing, and withdraw none; make a client's exactly the wanted."""
    for grant in _grants(admin, number, user):
        if grant.client is None:
            admin.assign_realm_roles(number, [admin.get_realm_role(n) for n in grant.missing])
            continue
        client = str(admin.get_client_id(grant.client))
        for change, names in (
            (admin.assign_client_role, grant.missing),
            (admin.delete_client_roles_of_user, grant.extra),
        ):
            if names:
                change(number, client, [admin.get_client_role(client, n) for n in names])


def _grants(admin: "KeycloakAdmin", number: str, user: Json) -> Iterator[Grant]:
    """What is missing, and of a client's roles also what is too much: see `plan_users`."""
    there = {role["name"] for role in admin.get_realm_roles_of_user(number)}
    if missing := set(user.get("realmRoles", [])) - there:
        yield Grant(None, tuple(sorted(missing)))
    for name, roles in user.get("clientRoles", {}).items():
        client = admin.get_client_id(name)
        if client is None:
            raise LookupError(f"the realm has no client {name}")
        held = {role["name"] for role in admin.get_client_roles_of_user(number, client)}
        if held != set(roles):
            missing, extra = set(roles) - held, held - set(roles)
            yield Grant(name, tuple(sorted(missing)), tuple(sorted(extra)))


def _number(admin: "KeycloakAdmin", name: str) -> str | None:
    found = admin.get_users({"username": name, "exact": True})
    return str(found[0]["id"]) if found else None
