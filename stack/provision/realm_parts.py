"""Compares settings, user profile, roles, clients and mappers of a realm with what is wanted."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gateway.realm import MARK
from stack.provision.change import Change, calling, told
from stack.provision.comparing import differences

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

Json = dict[str, Any]

# Parts of a realm's representation that have calls of their own; the rest are plain settings.
PARTS = ("realm", "roles", "clients", "users", "components")
PROFILE = "org.keycloak.userprofile.UserProfileProvider"


def plan_settings(admin: "KeycloakAdmin", wanted: Json, present: Json) -> Iterator[Change]:
    """Compare the plain settings, such as the life of tokens."""
    changed = differences({k: v for k, v in wanted.items() if k not in PARTS}, present)
    if changed:
        yield calling(told(changed, present), admin.update_realm, wanted["realm"], changed)


def plan_profile(admin: "KeycloakAdmin", wanted: Json) -> Iterator[Change]:
    """Compare the attributes that a user may have."""
    for component in wanted.get("components", {}).get(PROFILE, []):
        profile = json.loads(component["config"]["kc.user.profile.config"][0])
        if differences(profile, admin.get_realm_users_profile()):
            yield calling("the user profile", admin.update_realm_users_profile, profile)


def plan_roles(admin: "KeycloakAdmin", wanted: Json) -> Iterator[Change]:
    """Make roles, then set what each includes, then remove those of ours that are left over."""
    roles: list[Json] = wanted.get("roles", {}).get("realm", [])
    present = {role["name"]: role for role in admin.get_realm_roles(brief_representation=False)}
    for role in roles:
        own = {k: v for k, v in role.items() if k != "composites"}
        there = present.get(role["name"])
        if there is None:
            yield calling(f"new role {role['name']}", admin.create_realm_role, own)
        elif changed := differences(_without(own, "composite"), there):
            # Keycloak takes what is not sent for empty.
            whole = {**there, **changed}
            words = f"role {role['name']}: {told(changed, there)}"
            yield calling(words, admin.update_realm_role, role["name"], whole)
    for role in roles:
        yield from _inclusions(admin, role, present.get(role["name"]))
    for name in sorted(present.keys() - {role["name"] for role in roles}):
        if MARK in (present[name].get("attributes") or {}):
            yield calling(f"role {name} removed", admin.delete_realm_role, name)


def _inclusions(admin: "KeycloakAdmin", role: Json, there: Json | None) -> Iterator[Change]:
    name, wanted = role["name"], set(role.get("composites", {}).get("realm", []))
    held: set[str] = set()
    if there is not None and there.get("composite"):
        held = {one["name"] for one in admin.get_composite_realm_roles_of_role(name)}
    for words, change, names in (
        ("includes", admin.add_composite_realm_roles_to_role, wanted - held),
        ("no longer includes", admin.remove_composite_realm_roles_to_role, held - wanted),
    ):
        if names:
            text = f"role {name} {words} {', '.join(sorted(names))}"
            yield calling(text, _with_roles, admin, change, name, sorted(names))


def _with_roles(
    admin: "KeycloakAdmin", change: Callable[..., Any], name: str, others: list[str]
) -> None:
    """Look the roles up now: some were only just made."""
    change(name, [admin.get_realm_role(other) for other in others])


def plan_clients(admin: "KeycloakAdmin", wanted: Json) -> Iterator[Change]:
    """Make clients, compare those that are there, remove those of ours that are left over."""
    clients: list[Json] = wanted.get("clients", [])
    present = {client["clientId"]: client for client in admin.get_clients()}
    for client in clients:
        name = client["clientId"]
        there = present.get(name)
        if there is None:
            yield calling(f"new client {name}", admin.create_client, client)
            continue
        if changed := differences(_without(client, "protocolMappers"), there):
            words = f"client {name}: {told(changed, there)}"
            yield calling(words, admin.update_client, there["id"], {**there, **changed})
        yield from _mappers(admin, there, client.get("protocolMappers", []))
    for name in sorted(present.keys() - {client["clientId"] for client in clients}):
        if MARK in (present[name].get("attributes") or {}):
            yield calling(f"client {name} removed", admin.delete_client, present[name]["id"])


def _mappers(admin: "KeycloakAdmin", client: Json, wanted: list[Json]) -> Iterator[Change]:
    of = f"client {client['clientId']}:"
    present = {mapper["name"]: mapper for mapper in client.get("protocolMappers", [])}
    for mapper in wanted:
        name = mapper["name"]
        there = present.pop(name, None)
        if there is None:
            made = f"{of} new mapper {name}"
            yield calling(made, admin.add_mapper_to_client, client["id"], mapper)
        elif changed := differences(mapper, there):
            whole = {**there, **changed}
            words = f"{of} mapper {name}: {told(changed, there)}"
            yield calling(words, admin.update_client_mapper, client["id"], there["id"], whole)
    for extra in present.values():
        words = f"{of} mapper {extra['name']} removed"
        yield calling(words, admin.remove_client_mapper, client["id"], extra["id"])


def _without(value: Mapping[str, Any], key: str) -> Json:
    return {k: v for k, v in value.items() if k != key}
