"""The gRPC face of Users: requests in, resources out; who may see what is decided here."""

from typing import Any

import grpc
import uuid_utils
from google.protobuf.message import Message

from bridge.errors import FailedPrecondition, not_found
from bridge.server.canonical import body_hash
from bridge.server.identity import current_call, current_caller, origin_of_call
from bridge.server.paging import PageTokens, page_size
from bridge.store.repeats import Repeats
from causeway.users.v1 import user_service_pb2 as pb
from causeway.users.v1.user_service_pb2_grpc import UserServiceServicer
from services.users.commands import Commands
from services.users.identity_change import IdentityChange, Kind
from services.users.identity_work import IdentityWork
from services.users.intents import Intent
from services.users.money import to_nanos
from services.users.queries import Queries
from services.users.rank import Rank
from services.users.registration import Registration
from services.users.resources import user_message
from services.users.turns import Turns
from services.users.update_request import wanted

OPERATOR = "operator"
Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(UserServiceServicer):
    """causeway.users.v1.UserService."""

    def __init__(
        self,
        registration: Registration,
        identity: IdentityWork,
        rank: Rank,
        commands: Commands,
        queries: Queries,
        pages: PageTokens,
        turns: Turns,
    ) -> None:
        self._registration = registration
        self._identity = identity
        self._rank = rank
        self._commands = commands
        self._queries = queries
        self._pages = pages
        self._turns = turns

    async def RegisterUser(self, request: pb.RegisterUserRequest, context: Context) -> pb.User:
        """Register a customer. The password goes on to Keycloak; the intent is without it."""
        async with self._turns.taken():
            user_id = await self._registration.register(_intent(request), request.password)
        return user_message(await self._queries.user(user_id))

    async def GetUser(self, request: pb.GetUserRequest, context: Context) -> pb.User:
        """The user, to itself and to operators."""
        caller = current_caller()
        user_id = _id(request.name)
        if user_id != caller.subject and not caller.has(OPERATOR):
            raise not_found(request.name)
        return user_message(await self._queries.user(user_id))

    async def ListUsers(
        self, request: pb.ListUsersRequest, context: Context
    ) -> pb.ListUsersResponse:
        """The users, by username."""
        cursor = self._pages.open(request)
        after = "" if cursor is None else str(cursor[0])
        size = page_size(request)
        users = await self._queries.users(request.query, after, size + 1)
        answer = pb.ListUsersResponse(users=map(user_message, users[:size]))
        if len(users) > size:
            answer.next_page_token = self._pages.seal(request, (users[size - 1].username,))
        return answer

    async def UpdateUser(self, request: pb.UpdateUserRequest, context: Context) -> pb.User:
        """Change name or address; the kit has let nobody through but the user and operators."""
        return await self._changed(_update(request))

    async def DeactivateUser(self, request: pb.DeactivateUserRequest, context: Context) -> pb.User:
        """Deactivate somebody else: so there is always one left who may do it."""
        change = _deactivation(request)
        if change.user_id == current_caller().subject:
            raise FailedPrecondition(
                "nobody deactivates itself: ask another operator", reason="SELF_DEACTIVATION"
            )
        return await self._changed(change)

    async def _changed(self, change: IdentityChange) -> pb.User:
        await self._rank.check(current_caller(), change)
        return user_message(await self._identity.carry_out(change))

    async def SetCreditLimit(self, request: pb.SetCreditLimitRequest, context: Context) -> pb.User:
        """Set the credit limit."""
        user = await self._commands.set_credit_limit(
            _id(request.name),
            to_nanos(request.credit_limit),
            _repeats(request),
            origin_of_call(request.request_id),
        )
        return user_message(user)


def _id(name: str) -> str:
    return current_caller().subject if name == "users/me" else name.removeprefix("users/")


def _deactivation(request: pb.DeactivateUserRequest) -> IdentityChange:
    return IdentityChange(
        id=str(uuid_utils.uuid7()),
        user_id=_id(request.name),
        kind=Kind.DEACTIVATE,
        repeats=_repeats(request),
        origin=origin_of_call(request.request_id),
        reason=request.reason,
    )


def _update(request: pb.UpdateUserRequest) -> IdentityChange:
    fields = wanted(request)
    return IdentityChange(
        id=str(uuid_utils.uuid7()),
        user_id=_id(request.user.name),
        kind=Kind.UPDATE,
        repeats=_repeats(request),
        origin=origin_of_call(request.request_id),
        display_name=fields.display_name,
        email=fields.email,
        etag=request.user.etag,
    )


def _intent(request: pb.RegisterUserRequest) -> Intent:
    return Intent(
        id=str(uuid_utils.uuid7()),
        username=request.username,
        display_name=request.display_name,
        email=request.email,
        repeats=_repeats(request),
        origin=origin_of_call(request.request_id),
    )


def _repeats(request: Message) -> Repeats:
    call = current_call()
    request_id: str = getattr(request, "request_id", "")
    return Repeats(call.caller.subject, call.method.path, request_id, body_hash(request))
