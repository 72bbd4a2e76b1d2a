"""Calls a method by its name, with the message as JSON: for programs that take both as text."""

import json
from collections.abc import AsyncIterator
from difflib import get_close_matches

from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from client.methods import surface
from client.platform import Platform


def find_method(name: str) -> MethodDescriptor:
    """`causeway.orders.v1.OrderService/GetOrder`, also without `causeway.`, or `GetOrder` alone
    where one service has it. LookupError names those that come near, or all."""
    found = [path for path in surface() if _matches(path, name)]
    if len(found) == 1:
        return surface()[found[0]]
    if near := found or _near(name):
        hint = [path.removeprefix("/causeway.") for path in near[:5]]
    else:
        hint = sorted({path.rpartition("/")[2] for path in surface()})
    problem = "is not one method" if found else "is not a method"
    are = "there are" if hint[1:] else "there is"
    raise LookupError(f"{name} {problem}; {are} {', '.join(hint)}")


def _matches(path: str, name: str) -> bool:
    full = path.removeprefix("/")
    return name.removeprefix("/") in (full, full.removeprefix("causeway."), full.split("/")[1])


def _near(name: str) -> list[str]:
    """Paths whose method is spelled about like this."""
    words = {path.rpartition("/")[2] for path in surface()}
    close = get_close_matches(name.rpartition("/")[2], words, n=3)
    return [path for path in surface() if path.rpartition("/")[2] in close]


def read_request(method: MethodDescriptor, text: str) -> Message:
    """The request from its JSON form. ValueError says what is wrong with the text."""
    request = GetMessageClass(method.input_type)()
    try:
        json_format.Parse(text, request)
    except json_format.ParseError as error:
        raise ValueError(str(error)) from None
    return request


async def invoke(
    platform: Platform, method: MethodDescriptor, request: Message
) -> AsyncIterator[Message]:
    """The answer, or each one of a stream. CallFailed; LookupError for a stream of requests."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type)
    if method.client_streaming:
        raise LookupError(f"{method.full_name} takes a stream of requests")
    if method.server_streaming:
        call = platform.channel.unary_stream(
            path, type(request).SerializeToString, answer.FromString
        )
        async for one in call(request):
            yield one
        return
    unary = platform.channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
    yield await unary(request)


def as_json(message: Message, *, lines: bool = False) -> str:
    """The JSON that the edge would give: lowerCamelCase, plain fields also where they are zero."""
    value = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return json.dumps(value, ensure_ascii=False, indent=None if lines else 2)
