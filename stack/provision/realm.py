"""Makes the realm what the gateway compiled.

`--import-realm` of Keycloak passes over a realm that exists, so a changed proto would never
arrive. Here the realm is created once and compared at every start after that.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

Json = dict[str, Any]

# Parts of a realm's representation that have calls of their own; the rest are plain settings.
PARTS = ("realm", "roles", "clients", "users", "components")
PROFILE = "org.keycloak.userprofile.UserProfileProvider"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who changes the realm: Keycloak's address and a user of its master realm."""

    address: str
    username: str
    password: str


async def provision_realm(administrator: Administrator, realm: Json) -> None:
    """Create the realm, or bring settings, profile, roles, clients, mappers and users into line.

    `realm` is in Keycloak's own import format, with the clients' secrets. Clients and roles that
    the realm has beyond it are left: the edge and the services accept tokens of known clients and
    know no other roles. The password of a user who is there is not set again.
    """
    await asyncio.to_thread(_provision, administrator, realm)


async def grant(administrator: Administrator, realm: str, username: str, role: str) -> None:
    """Give a user of the realm a role; nothing happens where it has it."""
    await asyncio.to_thread(_grant, administrator, realm, username, role)


def _grant(administrator: Administrator, realm: str, username: str, role: str) -> None:
    admin = _login(administrator)
    admin.change_current_realm(realm)
    number = admin.get_user_id(username)
    if number is None:
        raise LookupError(f"the realm has no user {username}")
    _user_roles(admin, number, {"realmRoles": [role]})


def _login(administrator: Administrator) -> "KeycloakAdmin":
    from keycloak import KeycloakAdmin

    return KeycloakAdmin(
        server_url=administrator.address,
        username=administrator.username,
        password=administrator.password,
        user_realm_name="master",
        realm_name="master",
    )


def _provision(administrator: Administrator, wanted: Json) -> None:
    # Takes half a second to import, which only this step has to pay.
    from keycloak.exceptions import KeycloakGetError

    admin = _login(administrator)
    try:
        present = admin.get_realm(wanted["realm"])
    except KeycloakGetError as error:
        if error.response_code != HTTPStatus.NOT_FOUND:
            raise
        admin.create_realm(wanted)
        return
    admin.change_current_realm(wanted["realm"])
    _settings(admin, wanted, present)
    _profile(admin, wanted)
    _roles(admin, wanted)
    _clients(admin, wanted)
    _users(admin, wanted)


def _settings(admin: "KeycloakAdmin", wanted: Json, present: Json) -> None:
    changed = differences({k: v for k, v in wanted.items() if k not in PARTS}, present)
    if changed:
        admin.update_realm(wanted["realm"], changed)


def _profile(admin: "KeycloakAdmin", wanted: Json) -> None:
    import json

    for component in wanted.get("components", {}).get(PROFILE, []):
        profile = json.loads(component["config"]["kc.user.profile.config"][0])
        if differences(profile, admin.get_realm_users_profile()):
            admin.update_realm_users_profile(profile)


def _roles(admin: "KeycloakAdmin", wanted: Json) -> None:
    roles: list[Json] = wanted.get("roles", {}).get("realm", [])
    present = {role["name"]: role for role in admin.get_realm_roles(brief_representation=True)}
    for role in roles:
        if role["name"] not in present:
            admin.create_realm_role({k: v for k, v in role.items() if k != "composites"})
            present[role["name"]] = admin.get_realm_role(role["name"])
    for role in roles:
        included = set(role.get("composites", {}).get("realm", []))
        if included or present[role["name"]].get("composite"):
            _composites(admin, role["name"], included, present)


def _composites(
    admin: "KeycloakAdmin", name: str, included: set[str], known: Mapping[str, Json]
) -> None:
    there = {role["name"] for role in admin.get_composite_realm_roles_of_role(name)}
    if missing := included - there:
        admin.add_composite_realm_roles_to_role(name, [known[one] for one in sorted(missing)])
    if extra := there - included:
        admin.remove_composite_realm_roles_to_role(name, [known[one] for one in sorted(extra)])


def _clients(admin: "KeycloakAdmin", wanted: Json) -> None:
    present = {client["clientId"]: client for client in admin.get_clients()}
    for client in wanted.get("clients", []):
        there = present.get(client["clientId"])
        if there is None:
            admin.create_client(client)
            continue
        own = {key: value for key, value in client.items() if key != "protocolMappers"}
        if changed := differences(own, there):
            admin.update_client(there["id"], {**there, **changed})
        _mappers(admin, there, client.get("protocolMappers", []))


def _mappers(admin: "KeycloakAdmin", client: Json, wanted: list[Json]) -> None:
    present = {mapper["name"]: mapper for mapper in client.get("protocolMappers", [])}
    for mapper in wanted:
        there = present.pop(mapper["name"], None)
        if there is None:
            admin.add_mapper_to_client(client["id"], mapper)
        elif changed := differences(mapper, there):
            admin.update_client_mapper(client["id"], there["id"], {**there, **changed})
    for extra in present.values():
        admin.remove_client_mapper(client["id"], extra["id"])


def _users(admin: "KeycloakAdmin", wanted: Json) -> None:
    for user in wanted.get("users", []):
        found = admin.get_users({"username": user["username"], "exact": True})
        # The service account of a client comes with it; a person's password is not set again.
        own = {k: v for k, v in user.items() if k not in ("realmRoles", "clientRoles")}
        number = found[0]["id"] if found else admin.create_user(own)
        _user_roles(admin, number, user)


def _user_roles(admin: "KeycloakAdmin", number: str, user: Json) -> None:
    there = {role["name"] for role in admin.get_realm_roles_of_user(number)}
    if missing := set(user.get("realmRoles", [])) - there:
        roles = [admin.get_realm_role(name) for name in sorted(missing)]
        admin.assign_realm_roles(number, roles)
    for client_name, names in user.get("clientRoles", {}).items():
        client = admin.get_client_id(client_name)
        if client is None:
            raise LookupError(f"the realm has no client {client_name}")
        held = {role["name"] for role in admin.get_client_roles_of_user(number, client)}
        if missing := set(names) - held:
            roles = [admin.get_client_role(client, name) for name in sorted(missing)]
            admin.assign_client_role(number, client, roles)
        if extra := held - set(names):
            roles = [admin.get_client_role(client, name) for name in sorted(extra)]
            admin.delete_client_roles_of_user(number, client, roles)


def differences(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Json:
    """The keys of `wanted` whose value `present` lacks or has otherwise, ready to be sent.

    Keycloak adds keys of its own everywhere, so a map is equal when it holds what is wanted; a
    map that differs is sent with the keys that it had.
    """
    return {
        key: {**present[key], **value}
        if isinstance(value, Mapping) and isinstance(present.get(key), Mapping)
        else value
        for key, value in wanted.items()
        if not _holds(present.get(key), value)
    }


def _holds(present: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            _holds(present.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(present, list) and _same_items(present, wanted)
    return bool(present == wanted)


def _same_items(present: list[Any], wanted: list[Any]) -> bool:
    """Order does not count: Keycloak keeps its lists as sets."""
    return len(present) == len(wanted) and all(
        any(_holds(there, one) for there in present) for one in wanted
    )
