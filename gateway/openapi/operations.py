"""One REST binding of a method as an operation."""

from typing import Any

from gateway.access.matrix import Call
from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import Schemas
from gateway.jsonschema.samples import Samples
from gateway.model import Binding, Method, Owner, Streaming
from gateway.openapi import errors
from gateway.openapi.parameters import parameters
from gateway.openapi.templates import Path

BEARER = "bearer"
COOKIE = "eventSource"
JSON = "application/json"
LINES = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"
_STREAM = (
    "A stream: one JSON document a line (named `application/x-ndjson` where `accept` asks for it), "
    "or with `accept: text/event-stream` Server-Sent Events with one document each. Quiet streams "
    "carry heartbeats. The last record holds `end`, the status with which the stream ended; a "
    "stream that ends without it was cut off."
)


def operation(call: Call, number: int, binding: Binding, path: Path, schemas: Schemas) -> Json:
    """The operation of the method's binding number `number`, from 0."""
    method = call.method
    comment = schemas.comments.get(f"{method.service}.{method.name}", "")
    found: Json = {
        "operationId": _id(method, number),
        "tags": [method.service],
        "summary": _summary(comment) or method.name,
        "description": "\n\n".join(part for part in (comment, _who(call)) if part),
        "parameters": parameters(method, binding, path, schemas),
        "responses": {"200": _success(method, schemas)} | errors.references(method),
        "security": _security(method),
        "x-grpc-method": method.path,
        **_extensions(call),
    }
    if binding.body:
        found["requestBody"] = _body(method, binding, path, schemas)
        found["x-body"] = binding.body
    return found


def _id(method: Method, number: int) -> str:
    """`orders.v1.OrderService.GetOrder`; further bindings of it have their number behind it."""
    name = f"{method.service.partition('.')[2]}.{method.name}"
    return f"{name}.{number + 1}" if number else name


def _summary(comment: str) -> str:
    first = " ".join(comment.split("\n\n")[0].split())
    return first.partition(". ")[0].removesuffix(".")


def _who(call: Call) -> str:
    access = call.method.access
    if access.public:
        return "Needs no token."
    roles = ", ".join(f"`{role}`" for role in (*access.roles, *call.including))
    told = {
        Owner.NONE: "",
        Owner.SELF: f"the caller itself (the field `{access.owner_field}` names it)",
        Owner.FIELD: f"the owner that the field `{access.owner_field}` names",
        Owner.HANDLER: "the owner of the resource: to strangers it is not there",
    }[access.owner]
    either = " or ".join(part for part in (roles and f"one of the roles {roles}", told) if part)
    return f"For {either}."


def _security(method: Method) -> list[Json]:
    access = method.access
    if access.public:
        return []
    ways = [BEARER, COOKIE] if method.streams_over_rest else [BEARER]
    anybody: list[list[str]] = [[]] if access.owner is not Owner.NONE else []
    needed = [*([role] for role in access.roles), *anybody]
    return [{way: roles} for way in ways for roles in needed]


def _extensions(call: Call) -> Json:
    access = call.method.access
    found: Json = {
        "x-roles": list(access.roles),
        "x-roles-including": list(call.including),
        "x-owner": access.owner.value,
        "x-idempotency": call.method.idempotency.value,
        "x-max-request-bytes": call.max_request_bytes,
        "x-timeout": call.timeout,
        "x-streaming": call.method.streaming is Streaming.SERVER,
    }
    if limit := access.rate_limit:
        found["x-rate-limit"] = {"requests": limit.requests, "seconds": limit.interval}
    if access.owner_field:
        found["x-owner-field"] = access.owner_field
    return found


def _success(method: Method, schemas: Schemas) -> Json:
    schema = schemas.refer(f".{method.response}")
    example = Samples(schemas.components, reading=True).of(schema)
    if method.streaming is not Streaming.SERVER:
        return {"description": "Done.", "content": {JSON: _media(schema, example)}}
    text = {"type": "string", "description": "Events whose `data` is one document of the schema "
            "beside `application/json`."}  # fmt: skip
    return {
        "description": _STREAM,
        "content": {
            JSON: _media(schema, example),
            LINES: _media(schema, example),
            EVENT_STREAM: {"schema": text, "x-item-schema": schema},
        },
        "x-streaming": True,
    }


def _body(method: Method, binding: Binding, path: Path, schemas: Schemas) -> Json:
    """The request, or one field of it; less what the path fills already."""
    request, prefix = f".{method.request}", ""
    if binding.body != "*":
        field = schemas.descriptors.field(request, binding.body)
        assert field  # noqa: S101 (the model's rules see to it)
        if not any(one.field.startswith(f"{binding.body}.") for one in path.segments):
            return _content(schemas.fields.schema(field), schemas, required=True)
        request, prefix = field.type_name, f"{binding.body}."
    bound = (one.field.removeprefix(prefix) for one in path.segments)
    schema = schemas.message(request, frozenset(name for name in bound if "." not in name))
    return _content(schema, schemas, required="required" in schema)


def _content(schema: Json, schemas: Schemas, *, required: bool) -> Json:
    schema = {word: said for word, said in schema.items() if word != "description"}
    example = Samples(schemas.components, reading=False).of(schema)
    return {"required": required, "content": {JSON: _media(schema, example)}}


def _media(schema: Json, example: Any) -> Json:
    return {"schema": schema} | ({} if example is None else {"example": example})
