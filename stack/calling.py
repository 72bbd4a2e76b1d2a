"""One call by name, for a person at a terminal."""

import grpc

from client.dynamic import as_json, find_method, invoke, read_request
from client.errors import CallFailed
from client.platform import Platform
from client.tokens import LoginFailed
from client.tokens import password as password_grant
from stack import addresses
from stack.console import say
from stack.errors import Code, StackError
from stack.provision.people import LOCAL_USERS
from stack.running import running_settings


async def calling(name: str, text: str, user: str, password: str) -> None:
    """Call and print. StackError CALL_FAILED, LOGIN_FAILED, NOT_RUNNING or UNKNOWN_NAME."""
    try:
        method = find_method(name)
        request = read_request(method, text)
    except LookupError as error:
        raise StackError(
            Code.UNKNOWN_NAME, str(error), "causeway call --help", usage=True
        ) from None
    except ValueError as error:
        cause = f"the request is no {method.input_type.name}: {error}"
        raise StackError(Code.CALL_FAILED, cause, "causeway call --help", usage=True) from None
    ports = running_settings()[0].port
    token = password_grant(addresses.issuer(ports), user, password)
    async with Platform(addresses.edge(ports), token) as platform:
        try:
            async for answer in invoke(platform, method, request):
                say(as_json(answer, lines=method.server_streaming))
        except CallFailed as error:
            raise _refused(error, user) from None
        except LoginFailed as error:
            raise StackError(Code.LOGIN_FAILED, f"{user}: {error}", "causeway status") from None


def _refused(error: CallFailed, user: str) -> StackError:
    first, *more = str(error).splitlines()
    detail = "\n".join(line.strip() for line in more)
    return StackError(Code.CALL_FAILED, first, _next_command(error, user), detail=detail)


def _next_command(error: CallFailed, user: str) -> str:
    if error.code is grpc.StatusCode.PERMISSION_DENIED:
        able = [name for name, role in LOCAL_USERS.items() if role in error.roles and name != user]
        return f"causeway call … --as {able[0] if able else 'alice'}"
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return "causeway status"
    return f"causeway explain {Code.CALL_FAILED}"
