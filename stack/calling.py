"""One call by name, for a person at a terminal."""

from client.dynamic import as_json, find_method, invoke, read_request
from stack.connected import connected
from stack.console import say
from stack.errors import Code, StackError


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
    if method.client_streaming:
        cause = f"{method.containing_service.name}/{method.name} takes a stream of requests"
        publish = "causeway events publish --help   (one event; many: docs/client.md, Publishing)"
        raise StackError(Code.CALL_FAILED, cause, publish, usage=True)
    async with connected(user, password, again="causeway call …") as platform:
        async for answer in invoke(platform, method, request):
            say(as_json(answer, lines=method.server_streaming))
