"""Messages and enums as components: each once, under its full name, with all that it refers to."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from gateway.descriptors import Descriptors
from gateway.jsonschema import known
from gateway.jsonschema.fields import Fields
from gateway.jsonschema.known import Json

COMPONENTS = "#/components/schemas/"
EXAMPLE_ID = "0198c0de"


class Schemas:
    """The schemas that a document needs; `components` grows with every `refer`."""

    def __init__(self, descriptors: Descriptors, comments: Mapping[str, str]) -> None:
        self.components: dict[str, Json] = {}
        self.descriptors = descriptors
        self.comments = comments
        self.fields = Fields(descriptors, self.refer)

    def refer(self, type_name: str) -> Json:
        """A schema that points to a message or enum (full name with its dot)."""
        name = type_name.removeprefix(".")
        if name not in self.components:
            self.components[name] = {}  # first, because messages may hold themselves
            self.components[name] = self._made(type_name)
        return {"$ref": f"{COMPONENTS}{name}"}

    def message(self, type_name: str, without: frozenset[str] = frozenset()) -> Json:
        """The message itself as an object, less the fields of these names."""
        name = type_name.removeprefix(".")
        message = self.descriptors.message(type_name)
        kept = [field for field in message.field if field.name not in without]
        required = [field.json_name for field in kept if self.fields.must_be_set(field)]
        schema: Json = {
            "type": "object",
            "properties": {
                field.json_name: self.fields.schema(
                    field, self.comments.get(f"{name}.{field.name}", "")
                )
                for field in kept
            },
        }
        if required:
            schema["required"] = required
        _name_like_its_resource(message, schema["properties"])
        if name in known.EXAMPLES:
            schema["examples"] = [known.EXAMPLES[name]]
        return schema | self._described(name) | _oneofs(message, kept)

    def _made(self, type_name: str) -> Json:
        name = type_name.removeprefix(".")
        if name in known.MESSAGES:
            return dict(known.MESSAGES[name])
        if type_name in self.descriptors.messages():
            return self.message(type_name)
        return self._enum(type_name)

    def _enum(self, type_name: str) -> Json:
        name = type_name.removeprefix(".")
        names = [value.name for value in self.descriptors.enum(type_name).value]
        lines = [
            f"- `{value}`: {text}"
            for value in names
            if (text := self.comments.get(f"{name}.{value}"))
        ]
        text = "\n\n".join(part for part in (self.comments.get(name), "\n".join(lines)) if part)
        return {"type": "string", "enum": names} | ({"description": text} if text else {})

    def _described(self, name: str) -> Json:
        return {"description": text} if (text := self.comments.get(name)) else {}


def _name_like_its_resource(message: DescriptorProto, properties: Json) -> None:
    """Give the field `name` an example of what google.api.resource says of it (AIP-122)."""
    from google.api import resource_pb2

    patterns = message.options.Extensions[resource_pb2.resource].pattern
    if "name" in properties and patterns:
        example = re.sub(r"\{[^}]*\}", EXAMPLE_ID, patterns[0])
        if re.search(properties["name"].get("pattern", ""), example):
            properties["name"]["examples"] = [example]


def _oneofs(message: DescriptorProto, kept: list[FieldDescriptorProto]) -> Json:
    """At most one member of each oneof; `x-oneof` has their names for readers."""
    groups = dict(_groups(message, kept))
    if not groups:
        return {}
    rules = [_at_most_one(names, required=required) for names, required in groups.values()]
    return {"allOf": rules, "x-oneof": {name: names for name, (names, _) in groups.items()}}


def _groups(
    message: DescriptorProto, kept: list[FieldDescriptorProto]
) -> Iterator[tuple[str, tuple[list[str], bool]]]:
    from buf.validate import validate_pb2

    for index, oneof in enumerate(message.oneof_decl):
        names = [
            field.json_name
            for field in kept
            if field.HasField("oneof_index")
            and field.oneof_index == index
            and not field.proto3_optional  # which protoc makes a oneof of one for
        ]
        if names:
            yield oneof.name, (names, oneof.options.Extensions[validate_pb2.oneof].required)


def _at_most_one(names: list[str], *, required: bool) -> Json:
    alternatives: list[Any] = [{"required": [name]} for name in names]
    if not required:
        alternatives.append({"not": {"anyOf": [{"required": [name]} for name in names]}})
    return {"oneOf": alternatives}
