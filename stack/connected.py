"""A command's way to the API: through the edge, with the token of a user."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from client.errors import CallFailed
from client.platform import Platform
from client.tokens import LoginFailed
from client.tokens import password as password_grant
from stack import addresses
from stack.errors import Code, StackError
from stack.provision.people import LOCAL_USERS, password_of
from stack.reasons import REASONS
from stack.running import running_settings


@asynccontextmanager
async def connected(
    user: str, password: str | None = None, *, again: str
) -> AsyncIterator[Platform]:
    """The running platform as `user` sees it; the local users' password is known.

    `again` is the command that a refusal proposes to somebody who has the role. StackError
    CALL_FAILED, LOGIN_FAILED or NOT_RUNNING.
    """
    ports = running_settings()[0].port
    token = password_grant(addresses.issuer(ports), user, password or password_of(user))
    async with Platform(addresses.edge(ports), token) as platform:
        try:
            yield platform
        except CallFailed as error:
            raise refused(error, user, again) from None
        except LoginFailed as error:
            raise _not_logged_in(error, user, again) from None


def refused(error: CallFailed, user: str, again: str) -> StackError:
    """The refusal for a person: what was said, the wrong fields, the missing role."""
    first, *more = str(error).splitlines()
    detail = "\n".join(line.strip() for line in more if line.strip() not in first)
    return StackError(Code.CALL_FAILED, first, _next_command(error, user, again), detail=detail)


def _not_logged_in(error: LoginFailed, user: str, again: str) -> StackError:
    if error.reason != "invalid_grant":
        return StackError(Code.LOGIN_FAILED, f"{user}: {error}", "causeway status")
    other = f"{again} --as {user} --password …   (local users: {' '.join(LOCAL_USERS)})"
    return StackError(Code.LOGIN_FAILED, f"{user}: {error}", other)


def _next_command(error: CallFailed, user: str, again: str) -> str:
    if error.roles:
        able = [name for name, role in LOCAL_USERS.items() if role in error.roles and name != user]
        return f"{again} --as {able[0] if able else 'alice'}"
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return "causeway status"
    if error.reason in REASONS:
        return f"causeway explain {error.reason}"
    return f"causeway explain {Code.CALL_FAILED}"
