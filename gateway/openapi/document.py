"""The whole document."""

from collections import defaultdict
from collections.abc import Iterator

from gateway import descriptors, identity, surface
from gateway.access.matrix import EXCEPTIONS, calls
from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import Schemas
from gateway.model import Model
from gateway.openapi import errors
from gateway.openapi.operations import BEARER, COOKIE, operation
from gateway.openapi.templates import Paths

VERSION = "3.1.1"
DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"
VERBS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
_TEXT = """\
Every method of the platform that has a REST binding; the same methods answer over gRPC and
gRPC-Web on the same port, under the path in `x-grpc-method`.

- A token goes into `authorization: Bearer <access token>` and nowhere else; only a
  browser's `EventSource` may have it in a cookie (`eventSource`).
- Every failure, the edge's own too, is one JSON `google.rpc.Status`.
- Fields of a **body** that the request does not know are dropped without a word; **query
  parameters** that it does not know are refused with 400, and so is a body that contradicts the
  path.
- Names are lowerCamelCase; 64-bit numbers are text. Answers hold empty fields too, messages
  excepted.
- `x-roles` opens a method, or `x-owner` does; roles in `x-roles-including` include one of them.
- Streams (`x-streaming`) are newline-delimited JSON, or Server-Sent Events where `accept` asks for
  `text/event-stream`; their last record holds `end`, the status with which they ended.
- Of the parameters with one name in `x-oneof`, a call has at most one.
- `x-timeout` is in seconds, `x-max-request-bytes` counts the message as protobuf.
- Without a token and not listed here: {exceptions}.
"""
_BEARER = (
    f"An access token of the realm, signed with RS256, for the audience `{identity.AUDIENCE}`; it "
    f"lives for {identity.TOKEN_LIFE} s. Names in a requirement are realm roles: one suffices."
)
_COOKIE = (
    "The same token in a cookie, for a browser's `EventSource`, which can't set a header: for "
    "streams with `accept: text/event-stream` alone, and from an allowed origin."
)


def openapi(model: Model) -> Json:
    """OpenAPI 3.1 of all REST bindings; its server is whoever hands it out."""
    schemas = Schemas(descriptors.parse(model.descriptors), model.comments)
    paths = _paths(model, schemas)
    return {
        "openapi": VERSION,
        "jsonSchemaDialect": DIALECT,
        "info": {"title": "Causeway", "version": _versions(model), "description": _text()},
        "servers": [{"url": "/", "description": "The edge that hands this document out."}],
        "security": [{BEARER: []}],
        "tags": list(_tags(model)),
        "paths": paths,
        "components": {
            "schemas": schemas.components | errors.schemas(),
            "responses": errors.responses(),
            "headers": errors.headers(),
            "securitySchemes": _schemes(),
        },
    }


def _paths(model: Model, schemas: Schemas) -> Json:
    spelled = Paths(schemas.descriptors)
    found: defaultdict[str, Json] = defaultdict(dict)
    for call in calls(model):
        for number, binding in enumerate(call.method.bindings):
            if binding.verb not in VERBS or call.method.client_streams:
                continue  # OpenAPI has no word for it; the access matrix lists it
            path = spelled.read(binding.path)
            made = operation(call, number, binding, path, schemas)
            found[path.text][binding.verb.lower()] = made
    return dict(found)


def _tags(model: Model) -> Iterator[Json]:
    for service in model.services:
        if any(method.bindings for method in service.methods):
            comment = model.comments.get(service.name)
            yield {"name": service.name} | ({"description": comment} if comment else {})


def _schemes() -> Json:
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _BEARER}
    cookie = {
        "type": "apiKey",
        "in": "cookie",
        "name": surface.COOKIE,
        "description": _COOKIE,
    }
    return {BEARER: bearer, COOKIE: cookie}


def _text() -> str:
    return _TEXT.format(exceptions=", ".join(f"`{one.path}`" for one in EXCEPTIONS))


def _versions(model: Model) -> str:
    """The versions of the packages: "v1"."""
    return ", ".join(sorted({service.name.split(".")[-2] for service in model.services}) or ["v1"])
