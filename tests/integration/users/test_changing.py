"""UserService changes and deactivates users, on a real PostgreSQL and a real Keycloak."""

import uuid

import asyncpg
import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from causeway.users.v1 import user_service_pb2 as pb
from tests.integration.service_kit import As
from tests.integration.users.realm import Realm
from tests.integration.users.serving import OSCAR, refused, wish


def update(name: str, *paths: str, **fields: str) -> pb.UpdateUserRequest:
    return pb.UpdateUserRequest(
        user=pb.User(name=name, **fields),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=paths),
    )


async def test_a_user_changes_its_own_name_and_address_and_a_stranger_sees_nothing(
    call_as: As, keycloak_realm: Realm, pool: asyncpg.Pool
) -> None:
    wished = wish()
    user = await call_as().users.RegisterUser(wished)
    herself, oscar = call_as(user.name.removeprefix("users/")), call_as(OSCAR, "operator")
    renamed = await herself.users.UpdateUser(update("users/me", display_name="Anna"))
    assert (renamed.display_name, renamed.email, renamed.etag) == ("Anna", user.email, "2")
    moved = update(user.name, "email", email=f"new-{user.email}", display_name="ignored")
    moved.request_id = str(uuid.uuid4())
    changed = await oscar.users.UpdateUser(moved)
    assert (changed.display_name, changed.email) == ("Anna", f"new-{user.email}")
    identity = keycloak_realm.user(wished.username)
    assert identity is not None
    assert identity["email"] == changed.email
    assert await oscar.users.UpdateUser(moved) == changed
    event = await pool.fetchrow(
        "SELECT * FROM bridge.events WHERE stream = $1 AND version = 3", user.name
    )
    assert event is not None
    assert (event["actor"], event["request_id"]) == (f"users/{OSCAR}", moved.request_id)
    stranger = call_as(str(uuid.uuid4()))
    theirs = await refused(stranger.users.UpdateUser(update(user.name, display_name="x")))
    assert theirs.code is grpc.StatusCode.NOT_FOUND
    assert (await herself.users.GetUser(pb.GetUserRequest(name="users/me"))) == changed


async def test_what_an_update_may_not_be_is_refused_with_its_reason(call_as: As) -> None:
    user = await call_as().users.RegisterUser(wish())
    other = await call_as().users.RegisterUser(wish())
    herself = call_as(user.name.removeprefix("users/"))
    stale = update("users/me", display_name="x")
    stale.user.etag = "7"
    cases = [
        (update("users/me", "username"), grpc.StatusCode.INVALID_ARGUMENT),
        (update("users/me", email="no address"), grpc.StatusCode.INVALID_ARGUMENT),
        (update("users/me", email=other.email), grpc.StatusCode.ALREADY_EXISTS),
        (stale, grpc.StatusCode.ABORTED),
    ]
    for request, code in cases:
        assert (await refused(herself.users.UpdateUser(request))).code is code
    told = await refused(herself.users.UpdateUser(stale))
    assert (told.reason, told.metadata) == ("STALE_ETAG", {"resource": user.name, "etag": "1"})
    assert await herself.users.GetUser(pb.GetUserRequest(name="users/me")) == user


async def test_an_operator_deactivates_a_user_once_and_never_itself(
    call_as: As, pool: asyncpg.Pool
) -> None:
    user = await call_as().users.RegisterUser(wish())
    oscar = call_as(OSCAR, "operator")
    request = pb.DeactivateUserRequest(name=user.name, reason="fraud", request_id=str(uuid.uuid4()))
    gone = await oscar.users.DeactivateUser(request)
    assert (gone.state, gone.etag) == (pb.User.STATE_DEACTIVATED, "2")
    assert await oscar.users.DeactivateUser(request) == gone
    assert await oscar.users.DeactivateUser(pb.DeactivateUserRequest(name=user.name)) == gone
    herself = call_as(user.name.removeprefix("users/"))
    denied = await refused(herself.users.DeactivateUser(request))
    assert denied.code is grpc.StatusCode.PERMISSION_DENIED
    himself = await refused(
        oscar.users.DeactivateUser(pb.DeactivateUserRequest(name=f"users/{OSCAR}"))
    )
    assert (himself.code, himself.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "SELF_DEACTIVATION",
    )
    missing = await refused(
        oscar.users.DeactivateUser(pb.DeactivateUserRequest(name="users/nobody"))
    )
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("role", ["admin", "above"])
async def test_an_administrator_is_deactivated_and_moved_by_administrators_and_itself_alone(
    call_as: As, keycloak_realm: Realm, role: str
) -> None:
    user = await call_as().users.RegisterUser(wish())
    me = user.name.removeprefix("users/")
    keycloak_realm.admin.assign_realm_roles(me, [keycloak_realm.admin.get_realm_role(role)])
    oscar, root = call_as(OSCAR, "operator"), call_as(str(uuid.uuid4()), "operator", "admin")
    moved = update(user.name, "email", email=f"x{me[:8]}@example.org")
    for call in (
        oscar.users.UpdateUser(moved),
        oscar.users.DeactivateUser(pb.DeactivateUserRequest(name=user.name)),
    ):
        denied = await refused(call)
        assert (denied.code, denied.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ADMIN_ONLY")
    named = await oscar.users.UpdateUser(update(user.name, "display_name", display_name="Root"))
    assert (named.display_name, named.email) == ("Root", user.email)
    assert (await call_as(me).users.UpdateUser(moved)).email == moved.user.email
    gone = await root.users.DeactivateUser(pb.DeactivateUserRequest(name=user.name))
    assert gone.state == pb.User.STATE_DEACTIVATED
