"""The port to Keycloak, on a real Keycloak."""

import socket
import traceback

import pytest
from keycloak.exceptions import KeycloakAuthenticationError

from bridge.errors import AlreadyExists, InvalidArgument, Unavailable
from services.users.keycloak import Keycloak
from services.users.registration import OUTCOME_UNKNOWN
from tests.integration.users.realm import CHEAP, SECRET, Realm
from tests.integration.users.registering import PASSWORD, intent, like


async def test_a_created_user_carries_its_intent_and_can_log_in_at_once(
    keycloak: Keycloak, keycloak_realm: Realm
) -> None:
    wanted = intent()
    user_id = await keycloak.create(wanted, PASSWORD)
    await keycloak.grant(user_id)
    user = keycloak_realm.user(wanted.username)
    assert user is not None
    assert user["id"] == user_id == await keycloak.find(wanted)
    assert user["attributes"] == {"intent": [wanted.id]}
    assert "customer" in keycloak_realm.roles(user_id)
    assert keycloak_realm.token(wanted.username, PASSWORD)
    with pytest.raises(KeycloakAuthenticationError):
        keycloak_realm.token(wanted.username, "another password")


async def test_creating_or_granting_twice_is_the_same_user(
    keycloak: Keycloak, keycloak_realm: Realm
) -> None:
    wanted = intent()
    first = await keycloak.create(wanted, PASSWORD)
    assert await keycloak.create(wanted, PASSWORD) == first
    await keycloak.grant(first)
    await keycloak.grant(first)
    assert "customer" in keycloak_realm.roles(first)


async def test_a_user_of_another_intent_is_never_taken_for_ours(keycloak: Keycloak) -> None:
    first = intent()
    await keycloak.create(first, PASSWORD)
    same_name = like(first, "username")
    same_address = like(first, "email")
    for second in (same_name, same_address):
        with pytest.raises(AlreadyExists):
            await keycloak.create(second, PASSWORD)
        assert await keycloak.find(second) is None


async def test_a_user_that_keycloak_had_before_us_is_never_taken_for_ours(
    keycloak: Keycloak, keycloak_realm: Realm
) -> None:
    wanted = intent()
    keycloak_realm.admin.create_user({"username": wanted.username, "enabled": True})
    with pytest.raises(AlreadyExists):
        await keycloak.create(wanted, PASSWORD)


async def test_a_deleted_user_is_gone_and_deleting_it_again_is_fine(keycloak: Keycloak) -> None:
    wanted = intent()
    user_id = await keycloak.create(wanted, PASSWORD)
    await keycloak.delete(user_id)
    await keycloak.delete(user_id)
    assert await keycloak.find(wanted) is None


@pytest.mark.parametrize(("undone", "disabled"), [(0, True), (2, True), (9, False)])
async def test_disabling_is_read_back_and_done_again_where_another_request_undid_it(
    keycloak: Keycloak,
    keycloak_realm: Realm,
    monkeypatch: pytest.MonkeyPatch,
    undone: int,
    disabled: bool,
) -> None:
    wanted = intent()
    user_id = await keycloak.create(wanted, PASSWORD)
    others = iter(range(undone))

    async def ends_late(_self: Keycloak, user_id: str) -> None:
        if next(others, None) is not None:
            keycloak_realm.admin.update_user(user_id, {"enabled": True})

    monkeypatch.setattr(Keycloak, "_end_sessions", ends_late)
    if disabled:
        await keycloak.disable(user_id)
    else:
        with pytest.raises(Unavailable) as unknown:
            await keycloak.disable(user_id)
        assert unknown.value.reason == OUTCOME_UNKNOWN
    user = keycloak_realm.user(wanted.username)
    assert user is not None
    assert user["enabled"] == (not disabled)


async def test_what_keycloak_refuses_leaves_nothing_and_names_no_password(
    keycloak: Keycloak, keycloak_realm: Realm
) -> None:
    keycloak_realm.admin.update_realm(keycloak_realm.name, {"passwordPolicy": "length(30)"})
    try:
        wanted = intent()
        with pytest.raises(InvalidArgument) as refused:
            await keycloak.create(wanted, PASSWORD)
    finally:
        keycloak_realm.admin.update_realm(keycloak_realm.name, {"passwordPolicy": CHEAP})
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None
    assert await keycloak.find(wanted) is None


async def test_a_keycloak_that_is_away_is_unavailable_with_nothing_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        port = Keycloak(f"http://127.0.0.1:{taken.getsockname()[1]}", "any", "users", SECRET)
        with pytest.raises(Unavailable) as away:
            await port.create(intent(), PASSWORD)
        await port.close()
    assert away.value.reason == "IDENTITY_PROVIDER_AWAY"
    assert away.value.reason != OUTCOME_UNKNOWN
    assert away.value.retry_after > 0
    assert PASSWORD not in "".join(traceback.format_exception(away.value))
