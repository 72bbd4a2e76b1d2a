"""The realm: its issuer is pinned, and a start brings back what somebody changed."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from keycloak import KeycloakAdmin

from gateway.realm import realm
from stack.provision.people import local_people
from stack.provision.realm import provision_realm
from stack.steps import model
from tests.integration.stack.administrator import keycloak
from tests.integration.stack.conftest import Site

SECRETS = dict.fromkeys(("orders", "users", "notifications", "bridge"), "secret-of-a-test")


def test_the_issuer_is_pinned_whatever_host_the_caller_names(site: Site) -> None:
    address = f"http://127.0.0.1:{site.port.keycloak}/realms/causeway"
    answer = httpx.get(
        f"{address}/.well-known/openid-configuration",
        headers={"host": "elsewhere.example", "x-forwarded-host": "elsewhere.example"},
        timeout=10,
    )
    assert answer.json()["issuer"] == address


@pytest.fixture
def wanted(site: Site) -> Iterator[dict[str, Any]]:
    """A realm of the test's own, as the gateway compiles it."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield realm(model(), SECRETS, secure=False, people=local_people()) | {"realm": name}
    keycloak(site, "master").delete_realm(name)


def _token(site: Site, wanted: dict[str, Any], user: str) -> httpx.Response:
    return httpx.post(
        f"{site.administrator.address}/realms/{wanted['realm']}/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "causeway-cli",
            "username": user,
            "password": f"causeway-{user}",
        },
        timeout=10,
    )


async def test_the_local_people_can_log_in(site: Site, wanted: dict[str, Any]) -> None:
    await provision_realm(site.administrator, wanted)
    assert {_token(site, wanted, user).status_code for user in ("oscar", "ada", "paul")} == {200}


async def test_a_second_start_finds_nothing_to_do(site: Site, wanted: dict[str, Any]) -> None:
    await provision_realm(site.administrator, wanted)
    before = _snapshot(site, wanted)
    await provision_realm(site.administrator, wanted)
    assert _snapshot(site, wanted) == before


def _snapshot(site: Site, wanted: dict[str, Any]) -> Any:
    admin = keycloak(site, wanted["realm"])
    roles = admin.get_realm_roles()
    people = [(user["id"], user["username"]) for user in admin.get_users({})]
    return _sorted((admin.get_realm(wanted["realm"]), admin.get_clients(), roles, people))


def _sorted(value: Any) -> Any:
    """Without the order of lists, which Keycloak does not keep."""
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_sorted(one) for one in value), key=repr)
    return value


async def test_what_somebody_changed_is_brought_back(site: Site, wanted: dict[str, Any]) -> None:
    await provision_realm(site.administrator, wanted)
    admin = keycloak(site, wanted["realm"])
    _disturb(admin, wanted["realm"])
    await provision_realm(site.administrator, wanted)

    assert admin.get_realm(wanted["realm"])["accessTokenLifespan"] == 300
    included = {role["name"] for role in admin.get_composite_realm_roles_of_role("admin")}
    assert included == {"customer", "operator", "auditor", "publisher"}
    client = admin.get_client(str(admin.get_client_id("causeway-cli")))
    assert client["standardFlowEnabled"] is False
    assert [mapper["name"] for mapper in client["protocolMappers"]] == ["audience"]
    account = _account(admin)
    management = str(admin.get_client_id("realm-management"))
    held = {role["name"] for role in admin.get_client_roles_of_user(account, management)}
    assert held == {"manage-users"}
    assert len(admin.get_users({"username": "oscar", "exact": True})) == 1


def _account(admin: KeycloakAdmin) -> str:
    number = str(admin.get_client_id("users"))
    account: str = admin.get_client_service_account_user(number)["id"]
    return account


def _disturb(admin: KeycloakAdmin, name: str) -> None:
    """Another token life, a role too few, a flow and a mapper too many, a right too many."""
    admin.update_realm(name, {"accessTokenLifespan": 36000})
    admin.remove_composite_realm_roles_to_role("admin", [admin.get_realm_role("operator")])
    number = str(admin.get_client_id("causeway-cli"))
    client = admin.get_client(number)
    for mapper in client["protocolMappers"]:
        admin.remove_client_mapper(number, mapper["id"])
    extra = {**client["protocolMappers"][0], "name": "another"}
    extra.pop("id")
    admin.add_mapper_to_client(number, extra)
    admin.update_client(number, {**client, "standardFlowEnabled": True})
    management = str(admin.get_client_id("realm-management"))
    right = admin.get_client_role(management, "manage-realm")
    admin.assign_client_role(_account(admin), management, [right])
    admin.delete_user(str(admin.get_user_id("oscar")))
