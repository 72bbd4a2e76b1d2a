"""Makes the realm what the gateway compiled.

`--import-realm` of Keycloak passes over a realm that exists, so a changed proto would never
arrive. Here the realm is created once, and compared at every start and every `compile` after that.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from stack.provision.change import Change, calling, carry_out

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

Json = dict[str, Any]
PLANS = 3
"""Plans of one change: a slow Keycloak may have made more than one thing that it did not tell."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who changes the realm: Keycloak's address and a user of its master realm."""

    address: str
    username: str
    password: str


async def provision_realm(administrator: Administrator, realm: Json) -> None:
    """Create the realm, or bring it into line: see `plan_realm`.

    What is there already when it is to be made counts as made, and is compared in a new plan.
    """
    for left in reversed(range(PLANS)):
        try:
            await carry_out(await plan_realm(administrator, realm))
        except Exception as error:
            if not left or not _exists(error):
                raise
        else:
            return


def _exists(error: Exception) -> bool:
    """Whether Keycloak has it already: python-keycloak sends a POST that took too long again.

    https://github.com/marcospereirampj/python-keycloak/blob/master/src/keycloak/connection.py
    """
    from keycloak.exceptions import KeycloakPostError

    return isinstance(error, KeycloakPostError) and error.response_code == HTTPStatus.CONFLICT


async def plan_realm(administrator: Administrator, realm: Json) -> list[Change]:
    """Find what the realm lacks, has otherwise, or has of ours and should not have any more.

    `realm` is in Keycloak's own import format, with the clients' secrets. Compared are settings,
    user profile, roles and what they include, clients with their mappers, and the realm's own
    users. Roles and clients that bear our mark and are not in `realm` are removed; those without
    it are left. Other users are never touched, nor is the password of one who is there.
    """
    return await asyncio.to_thread(_plan, administrator, realm)


async def grant(administrator: Administrator, realm: str, username: str, role: str) -> None:
    """Give a user of the realm a role; nothing happens where it has it."""
    await asyncio.to_thread(_grant, administrator, realm, username, role)


def _grant(administrator: Administrator, realm: str, username: str, role: str) -> None:
    from stack.provision.realm_users import give_roles

    admin = _login(administrator)
    admin.change_current_realm(realm)
    number = admin.get_user_id(username)
    if number is None:
        raise LookupError(f"the realm has no user {username}")
    give_roles(admin, number, {"realmRoles": [role]})


def _login(administrator: Administrator) -> "KeycloakAdmin":
    # Takes half a second to import, which only this step has to pay.
    from keycloak import KeycloakAdmin

    return KeycloakAdmin(
        server_url=administrator.address,
        username=administrator.username,
        password=administrator.password,
        user_realm_name="master",
        realm_name="master",
    )


def _plan(administrator: Administrator, wanted: Json) -> list[Change]:
    from keycloak.exceptions import KeycloakGetError

    from stack.provision.realm_parts import plan_clients, plan_profile, plan_roles, plan_settings
    from stack.provision.realm_users import plan_users

    admin = _login(administrator)
    try:
        present = admin.get_realm(wanted["realm"])
    except KeycloakGetError as error:
        if error.response_code != HTTPStatus.NOT_FOUND:
            raise
        return [calling(f"new realm {wanted['realm']}", admin.create_realm, wanted)]
    admin.change_current_realm(wanted["realm"])
    return [
        *plan_settings(admin, wanted, present),
        *plan_profile(admin, wanted),
        *plan_roles(admin, wanted),
        *plan_clients(admin, wanted),
        *plan_users(admin, wanted),
    ]
