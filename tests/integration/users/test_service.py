"""UserService behind the real server kit, on a real PostgreSQL and a real Keycloak."""

import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from bridge.outages import translate
from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.users.v1 import user_service_pb2 as pb
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from client.errors import CallFailed
from services.users.bootstrap import parts_on, servicers
from services.users.keycloak import Keycloak
from services.users.money import NANOS
from tests.integration.service_kit import As, clients, settings_for, started
from tests.integration.users.realm import Realm
from tests.unit.server.conftest import Issuer

PASSWORD = "correct horse battery staple"
OSCAR = str(uuid.uuid4())


@pytest.fixture
def settings(issuer: Issuer) -> ServerSettings:
    return settings_for(issuer)


@asynccontextmanager
async def serving(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, settings: ServerSettings
) -> AsyncIterator[Server]:
    parts = parts_on(pool, store, 500 * NANOS, keycloak)
    server = Server(servicers(parts, settings), settings, translate=translate)
    async with started(server):
        yield server


@pytest.fixture
async def server(
    pool: asyncpg.Pool, store: EventStore, keycloak: Keycloak, settings: ServerSettings
) -> AsyncIterator[Server]:
    async with serving(pool, store, keycloak, settings) as server:
        yield server


@pytest.fixture
async def call_as(server: Server, issuer: Issuer) -> AsyncIterator[As]:
    async with clients(server, issuer) as connect:
        yield connect


def wish(**changed: str) -> pb.RegisterUserRequest:
    name = f"u{uuid.uuid4().hex[:12]}"
    fields = {
        "username": name,
        "email": f"{name}@example.org",
        "display_name": "Ann",
        "password": PASSWORD,
        "request_id": str(uuid.uuid4()),
    }
    return pb.RegisterUserRequest(**(fields | changed))


async def refused(call: object) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call  # type: ignore[misc]
    return caught.value


def euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


async def test_a_registered_user_has_its_name_its_credit_and_sees_itself(
    call_as: As, keycloak_realm: Realm
) -> None:
    request = wish()
    user = await call_as().users.RegisterUser(request)
    identity = keycloak_realm.user(request.username)
    assert identity is not None
    assert user.name == f"users/{identity['id']}"
    assert (user.credit_limit, user.credit_reserved) == (euros(500), euros(0))
    assert (user.state, user.etag, user.display_name) == (pb.User.STATE_ACTIVE, "1", "Ann")
    herself = call_as(str(identity["id"]))
    for name in ("users/me", user.name):
        assert await herself.users.GetUser(pb.GetUserRequest(name=name)) == user


async def test_the_same_request_has_one_answer_and_another_body_is_refused(call_as: As) -> None:
    request, nobody = wish(), call_as()
    first = await nobody.users.RegisterUser(request)
    assert await nobody.users.RegisterUser(request) == first
    other = wish(request_id=request.request_id)
    assert (await refused(nobody.users.RegisterUser(other))).code is (
        grpc.StatusCode.FAILED_PRECONDITION
    )
    again = wish(username=request.username)
    assert (await refused(nobody.users.RegisterUser(again))).code is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    "request_",
    [wish(username="A"), wish(email="no address"), wish(password="short"), wish(username="")],
    ids=["username", "email", "password", "nothing"],
)
async def test_what_breaks_a_rule_is_refused_before_anything_is_made(
    call_as: As, pool: asyncpg.Pool, request_: Message
) -> None:
    error = await refused(call_as().users.RegisterUser(request_))  # type: ignore[arg-type]
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "short" not in str(error)
    assert await pool.fetchval("SELECT count(*) FROM intents") == 0


async def test_a_stranger_is_told_the_same_of_a_user_as_of_none(call_as: As) -> None:
    user = await call_as().users.RegisterUser(wish())
    stranger = call_as(str(uuid.uuid4()))
    missing = f"users/{uuid.uuid4()}"
    errors = [
        await refused(stranger.users.GetUser(pb.GetUserRequest(name=name)))
        for name in (user.name, missing)
    ]
    assert {error.code for error in errors} == {grpc.StatusCode.NOT_FOUND}
    texts = [
        str(error).replace(name, "NAME")
        for error, name in zip(errors, (user.name, missing), strict=True)
    ]
    assert texts[0] == texts[1]
    oscar = call_as(OSCAR, "operator")
    assert await oscar.users.GetUser(pb.GetUserRequest(name=user.name)) == user


async def test_an_operator_sets_the_credit_limit_once_for_a_request(
    call_as: As, pool: asyncpg.Pool
) -> None:
    user = await call_as().users.RegisterUser(wish())
    oscar = call_as(OSCAR, "operator")
    request = pb.SetCreditLimitRequest(
        name=user.name, credit_limit=euros(100), request_id=str(uuid.uuid4())
    )
    changed = await oscar.users.SetCreditLimit(request)
    assert (changed.credit_limit, changed.etag) == (euros(100), "2")
    back = pb.SetCreditLimitRequest(name=user.name, credit_limit=euros(500))
    await oscar.users.SetCreditLimit(back)
    assert (await oscar.users.SetCreditLimit(request)).credit_limit == euros(500)
    event = await pool.fetchrow(
        "SELECT * FROM bridge.events WHERE stream = $1 AND version = 2", user.name
    )
    assert event is not None
    assert (event["actor"], event["request_id"]) == (f"users/{OSCAR}", request.request_id)
    missing = pb.SetCreditLimitRequest(name="users/nobody", credit_limit=euros(1))
    assert (await refused(oscar.users.SetCreditLimit(missing))).code is grpc.StatusCode.NOT_FOUND
    herself = call_as(user.name.removeprefix("users/"))
    denied = await refused(herself.users.SetCreditLimit(request))
    assert denied.code is grpc.StatusCode.PERMISSION_DENIED


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


async def test_an_operator_lists_users_page_by_page_and_by_prefix(call_as: As) -> None:
    prefix = f"p{uuid.uuid4().hex[:8]}"
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        await call_as().users.RegisterUser(wish(username=name))
    oscar = call_as(OSCAR, "operator")
    found: list[str] = []
    request = pb.ListUsersRequest(page_size=2, query=prefix.upper())
    while True:
        page = await oscar.users.ListUsers(request)
        assert len(page.users) <= 2
        found += [user.username for user in page.users]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == names
    request.query = ""
    error = await refused(oscar.users.ListUsers(request))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_while_keycloak_is_away_registering_is_unavailable_and_says_when_to_retry(
    pool: asyncpg.Pool, store: EventStore, settings: ServerSettings
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        away = Keycloak(f"http://127.0.0.1:{taken.getsockname()[1]}", "any", "users", "secret")
        async with (
            serving(pool, store, away, settings) as server,
            # Without our client, which would try again.
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await UserServiceStub(channel).RegisterUser(wish())
        await away.close()
    details = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    error = CallFailed("RegisterUser", caught.value.code(), "", details)
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert error.retry_after == 2.0
    assert await pool.fetchval("SELECT count(*) FROM intents") == 0
