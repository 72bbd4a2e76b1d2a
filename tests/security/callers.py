"""One call on every protocol, and what its caller is told in one form."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.security import http1, http2
from tests.security.http1 import Headers

# An exception's text or class, a file, an address of memory: nothing of ours is to be read.
LEAK = re.compile(
    r"Traceback|\b[A-Z]\w+(?:Error|Exception)\b|hunter2|\.(?:py|cc|proto)\b"
    r"|/(?:root|home|usr|srv|tmp|opt|etc)/|\b0x[0-9a-f]{6,}"
)
HTTP_OF = {3: 400, 5: 404, 7: 403, 8: 429, 13: 500, 16: 401}


@dataclass(frozen=True)
class Operation:
    """The same call as gRPC and as REST."""

    path: str
    request: bytes
    verb: str
    rest: str
    body: bytes | None = None


@dataclass(frozen=True)
class Ports:
    """Where callers reach the edge, and where they reach a service past it."""

    edge: int
    service: int


@dataclass(frozen=True)
class Told:
    """What a caller learns: HTTP's status, gRPC's code, and everything else as one text."""

    http: int
    code: int
    text: str


Send = Callable[[Ports, Operation, Headers], Told]
OK, INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED = 0, 3, 5, 7
RESOURCE_EXHAUSTED, INTERNAL, UNAUTHENTICATED = 8, 13, 16


def message(request: bytes, flag: int = 0) -> bytes:
    """A message as gRPC frames it."""
    return bytes([flag]) + len(request).to_bytes(4, "big") + request


def grpc(port: int, path: str, body: bytes, headers: Headers = ()) -> http2.Reply:
    """A gRPC call with whatever body; headers may repeat."""
    fixed = (("content-type", "application/grpc"), ("te", "trailers"))
    with http2.Connection(port) as connection:
        return connection.request([*http2.pseudo("POST", path), *fixed, *headers], body)


def told_by_grpc(reply: http2.Reply) -> Told:
    assert reply.status == 200, reply
    assert reply.headers["content-type"].startswith("application/grpc"), reply
    return Told(200, int(reply.headers["grpc-status"]), repr((reply.headers, reply.body)))


def told_by_rest(status: int, headers: dict[str, str], body: bytes) -> Told:
    """A refusal over REST is one JSON status, whoever refuses."""
    if status == 200:
        return Told(200, OK, repr((headers, body)))
    assert headers.get("content-type", "").startswith("application/json"), (status, headers, body)
    told: dict[str, Any] = json.loads(body)
    assert set(told) == {"code", "message", "details"}, told
    assert isinstance(told["message"], str), told
    assert isinstance(told["details"], list), told
    return Told(status, int(told["code"]), repr(headers) + body.decode())


def _grpc_at_the_edge(ports: Ports, call: Operation, headers: Headers) -> Told:
    return told_by_grpc(grpc(ports.edge, call.path, message(call.request), headers))


def _grpc_at_the_service(ports: Ports, call: Operation, headers: Headers) -> Told:
    return told_by_grpc(grpc(ports.service, call.path, message(call.request), headers))


def _grpc_web(ports: Ports, call: Operation, headers: Headers) -> Told:
    fixed = (("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1"))
    body = message(call.request)
    answer = http1.send(ports.edge, "POST", call.path, (*fixed, *headers), body)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/grpc-web"), answer
    told = answer.headers | web_trailers(answer.body)
    return Told(200, int(told["grpc-status"]), repr((told, answer.body)))


def web_trailers(body: bytes) -> dict[str, str]:
    """The trailers, which gRPC-Web puts into the body as its last frame."""
    while body:
        flag, size = body[0], int.from_bytes(body[1:5], "big")
        part, body = body[5 : 5 + size], body[5 + size :]
        if flag & 0x80:
            pairs = (line.partition(":") for line in part.decode().splitlines())
            return {name.strip(): value.strip() for name, _, value in pairs}
    return {}


def _json(call: Operation, headers: Headers) -> Headers:
    has_type = any(name == "content-type" for name, _ in headers)
    return headers if call.body is None or has_type else (
        ("content-type", "application/json"), *headers)  # fmt: skip


def _rest_http1(ports: Ports, call: Operation, headers: Headers) -> Told:
    answer = http1.send(ports.edge, call.verb, call.rest, _json(call, headers), call.body)
    return told_by_rest(answer.status, answer.headers, answer.body)


def _rest_http2(ports: Ports, call: Operation, headers: Headers) -> Told:
    sent = [*http2.pseudo(call.verb, call.rest), *_json(call, headers)]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(sent, call.body)
    return told_by_rest(reply.status, reply.headers, reply.body)


SERVICE = "gRPC past the edge"
AT_THE_EDGE: dict[str, Send] = {
    "gRPC": _grpc_at_the_edge,
    "gRPC-Web": _grpc_web,
    "REST over HTTP/1.1": _rest_http1,
    "REST over HTTP/2": _rest_http2,
}
PROTOCOLS: dict[str, Send] = {**AT_THE_EDGE, SERVICE: _grpc_at_the_service}


def leaks(told: Told) -> str:
    """What of our inside the caller was told; empty is as it should be."""
    found = LEAK.search(told.text)
    return found[0] if found else ""


def bearer(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)
