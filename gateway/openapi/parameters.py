"""What of a request stands in the path and what in the query."""

import re
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from gateway.jsonschema import known
from gateway.jsonschema.fields import is_map, repeated, rules_of
from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import Schemas
from gateway.jsonschema.regexes import ecma
from gateway.jsonschema.samples import Samples
from gateway.model import Binding, Method
from gateway.openapi.templates import Path, Segment


def parameters(method: Method, binding: Binding, path: Path, schemas: Schemas) -> list[Json]:
    """All parameters of one binding; with the body `*` the query has none."""
    bound = {segment.field for segment in path.segments}
    found = [_segment(segment, method, schemas) for segment in path.segments]
    if binding.body != "*":
        found += _query(f".{method.request}", schemas, bound | {binding.body})
    return found


def _segment(segment: Segment, method: Method, schemas: Schemas) -> Json:
    schema = {"type": "string", "pattern": _pattern(segment, method, schemas)}
    whole = segment.template.replace("**" if segment.deep else "*", f"{{{segment.name}}}", 1)
    text = f"The field `{segment.field}` is put together as `{whole}`."
    if segment.deep:
        text += " This part may hold slashes."
    schema_sample = Samples({}, reading=False).of(schema, segment.name)
    return {
        "name": segment.name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": schema,
        "x-field": segment.field,
        "x-template": segment.template,
    } | ({"example": schema_sample} if schema_sample else {})


def _pattern(segment: Segment, method: Method, schemas: Schemas) -> str:
    """What the field's own pattern leaves for the segment, where its literal part is the same."""
    field = schemas.descriptors.field(f".{method.request}", segment.field)
    ruled = ecma(rules_of(field).string.pattern) if field else ""
    literal = "^" + segment.template.removesuffix("*")
    if segment.template.count("*") == 1 and ruled.startswith(literal):
        return "^" + ruled.removeprefix(literal)
    return "^.+$" if segment.deep else "^[^/]+$"


def _query(
    type_name: str,
    schemas: Schemas,
    left_out: set[str],
    prefix: tuple[tuple[str, str], ...] = (),
    above: tuple[str, ...] = (),
) -> Iterator[Json]:
    """Every field that one value, or a list of such, can fill; those of messages with dots."""
    name = type_name.removeprefix(".")
    message = schemas.descriptors.message(type_name)
    for field in message.field:
        path = (*prefix, (field.name, field.json_name))
        if ".".join(proto for proto, _ in path) in left_out:
            continue
        if _is_value(field):
            yield _parameter(field, path, f"{name}.{field.name}", schemas) | _oneof(field, message)
        elif _may_descend(field, schemas) and field.type_name not in above:
            yield from _query(field.type_name, schemas, left_out, path, (*above, type_name))


def _is_value(field: FieldDescriptorProto) -> bool:
    if field.type != FieldDescriptorProto.TYPE_MESSAGE:
        return True
    return field.type_name.removeprefix(".") in known.IN_QUERIES and not repeated(field)


def _may_descend(field: FieldDescriptorProto, schemas: Schemas) -> bool:
    of_its_own = field.type_name.removeprefix(".") in known.MESSAGES
    return not (of_its_own or repeated(field) or is_map(field, schemas.descriptors))


def _oneof(field: FieldDescriptorProto, message: DescriptorProto) -> Json:
    """At most one parameter of the same name here may be given."""
    if not field.HasField("oneof_index") or field.proto3_optional:
        return {}
    return {"x-oneof": message.oneof_decl[field.oneof_index].name}


def _parameter(
    field: FieldDescriptorProto, path: tuple[tuple[str, str], ...], name: str, schemas: Schemas
) -> Json:
    schema = schemas.fields.schema(field)
    said = schema.pop("description", "")
    comment = re.sub(r"\s*\n\s*", " ", schemas.comments.get(name, ""))
    text = "\n\n".join(part for part in (comment, said) if part)
    found: Json = {"name": ".".join(json for _, json in path), "in": "query", "schema": schema}
    if text:
        found["description"] = text
    if len(path) == 1 and schemas.fields.must_be_set(field):
        found["required"] = True
    if repeated(field):
        found |= {"style": "form", "explode": True}
    return found
