"""Requests that pass access and then fail: raw bytes over gRPC, broken fields over REST."""

import base64
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from google.protobuf.descriptor_pb2 import DescriptorProto

from gateway.proof.surface import Binding, Rpc, Surface
from gateway.proof.templates import fill, variables
from gateway.proof.violations import missing, violations

UNREADABLE = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
"""No protobuf message at all: a tag that never ends. It fails for every method, whatever its
fields, and only after access; no handler can be reached with it."""
WEB = "application/grpc-web+proto"
WEB_TEXT = "application/grpc-web-text"
_SHORT = 32
_UPGRADE = (("connection", "upgrade"), ("upgrade", "websocket"))


@dataclass(frozen=True, slots=True)
class Wire:
    """One request as it goes out. `kind`: GRPC is a real gRPC call, the rest is HTTP/1.1.

    `streams`: an answer without an error may never end. `invalid`: no rule lets it be handled.
    """

    kind: str
    path: str
    verb: str = "POST"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    streams: bool = False
    invalid: bool = True


def grpc_call(rpc: Rpc, body: bytes = UNREADABLE) -> Wire:
    """The call over gRPC."""
    return Wire("grpc", rpc.path, body=body, streams=rpc.server_streams)


def web_call(rpc: Rpc, body: bytes = UNREADABLE) -> Wire:
    """The call over gRPC-Web."""
    framed = b"\0" + len(body).to_bytes(4, "big") + body
    headers = (("content-type", WEB), ("x-grpc-web", "1"))
    return Wire("web", rpc.path, body=framed, headers=headers, streams=rpc.server_streams)


def web_text_call(rpc: Rpc) -> Wire:
    """The same in base64, as browsers without binary streams send it."""
    plain = web_call(rpc)
    headers = (("content-type", f"{WEB_TEXT}+proto"), ("x-grpc-web", "1"))
    return replace(plain, body=base64.b64encode(plain.body), headers=headers)


def upgrade_call(rpc: Rpc) -> Wire:
    """A WebSocket at the gRPC path: Envoy gives those a chain of filters of their own."""
    return Wire("rest", rpc.path, verb="GET", headers=_UPGRADE)


def rest_call(rpc: Rpc, binding: Binding, request: dict[str, Any]) -> Wire:
    """The call over REST with this request: field path → JSON value."""
    in_path = dict(variables(binding.template))
    path = fill(binding.template, {name: str(request[name]) for name in in_path})
    rest = {name: value for name, value in request.items() if name not in in_path}
    body, query = _placed(binding, rest)
    if query:
        path += "?" + urlencode(query)
    headers = (("content-type", "application/json"),) if binding.body else ()
    return Wire(
        "rest", path, binding.verb, json.dumps(body).encode() if binding.body else b"", headers,
        streams=rpc.server_streams,
    )  # fmt: skip


def broken_rest_call(surface: Surface, rpc: Rpc, binding: Binding) -> Wire:
    """The call over REST with every field broken that can be; what is needed is left out.

    Where the message has no rule to break (an empty one) the call is valid: it must be a read.
    """
    message = surface.messages[rpc.request]
    found = _short(dict(violations(message, surface.messages)))
    invalid = _is_broken(message, binding, found)
    for name, pattern in variables(binding.template):
        found.setdefault(name, "PROOF")
        found[name] = pattern.replace("**", "*").replace("*", quote(str(found[name]), safe=""))
    return replace(rest_call(rpc, binding, found), invalid=invalid)


def _short(found: dict[str, Any]) -> dict[str, Any]:
    """Without what breaks a rule by its length alone, where something else breaks one too."""
    short = {name: value for name, value in found.items() if len(str(value)) <= _SHORT}
    return short or found


def _is_broken(message: DescriptorProto, binding: Binding, found: dict[str, Any]) -> bool:
    # A body that is a field makes that field present; what is in it is broken or not on its own.
    absent = [name for name in missing(message) if name not in found and name != binding.body]
    return bool(found or absent)


def _placed(binding: Binding, fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields by where the binding takes them from: the JSON body, the query."""
    body: dict[str, Any] = {}
    query: dict[str, Any] = {}
    for name, value in fields.items():
        if binding.body == "*":
            _put(body, name.split("."), value)
        elif binding.body and name.startswith(f"{binding.body}."):
            _put(body, name.split(".")[1:], value)
        elif name != binding.body:
            query[name] = value
    return body, query


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = value
