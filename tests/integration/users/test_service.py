"""UserService behind the real server kit, on a real PostgreSQL and a real Keycloak."""

import socket
import uuid

import asyncpg
import grpc
import pytest
from google.protobuf.message import Message

from bridge.server.settings import ServerSettings
from bridge.store.event_store import EventStore
from causeway.users.v1 import user_service_pb2 as pb
from causeway.users.v1.user_service_pb2_grpc import UserServiceStub
from client.errors import CallFailed
from services.users.keycloak import Keycloak
from tests.integration.service_kit import As
from tests.integration.users.realm import Realm
from tests.integration.users.serving import OSCAR, euros, refused, serving, wish


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
