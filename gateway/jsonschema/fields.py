"""One field: what stands behind its name in JSON."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FieldDescriptorProto

from gateway.descriptors import Descriptors
from gateway.jsonschema import known
from gateway.jsonschema.constraints import keywords, said_in_words, zero_is_refused
from gateway.jsonschema.known import Json

Refer = Callable[[str], Json]
"""Full name of a message or enum, with its dot → a schema that points to it."""

_TYPE = FieldDescriptorProto
_SCALARS: dict[int, Json] = {
    _TYPE.TYPE_STRING: known.TEXT,
    _TYPE.TYPE_BYTES: known.BYTES,
    _TYPE.TYPE_BOOL: known.TRUTH,
    **dict.fromkeys((_TYPE.TYPE_DOUBLE, _TYPE.TYPE_FLOAT), known.FLOAT),
    **dict.fromkeys((_TYPE.TYPE_INT32, _TYPE.TYPE_SINT32, _TYPE.TYPE_SFIXED32), known.INT32),
    **dict.fromkeys((_TYPE.TYPE_UINT32, _TYPE.TYPE_FIXED32), known.UINT32),
    **dict.fromkeys((_TYPE.TYPE_INT64, _TYPE.TYPE_SINT64, _TYPE.TYPE_SFIXED64), known.INT64),
    **dict.fromkeys((_TYPE.TYPE_UINT64, _TYPE.TYPE_FIXED64), known.UINT64),
}


class Fields:
    """Makes the schemas of fields. `refer` says how messages and enums are pointed to."""

    def __init__(self, descriptors: Descriptors, refer: Refer) -> None:
        self._descriptors = descriptors
        self._refer = refer

    def schema(self, field: FieldDescriptorProto, comment: str = "") -> Json:
        """The field's value with its rules, its comment and who may set it."""
        rules = rules_of(field)
        value: Json
        if is_map(field, self._descriptors):
            value = self._map(field, rules)
        elif repeated(field):
            said = keywords(rules)
            value = {"type": "array", **said}
            value["items"] = self._one(field, rules.repeated.items, said.get("items", {}))
        else:
            value = _or_empty(self._one(field, rules, keywords(rules)), field, rules)
        words = [comment, *said_in_words(rules)]
        if text := "\n\n".join(word for word in words if word):
            value = value | {"description": text}
        return value | _direction(field)

    def must_be_set(self, field: FieldDescriptorProto) -> bool:
        """Whether a message without the field is refused."""
        rules, behavior = rules_of(field), behavior_of(field)
        if "REQUIRED" in behavior or rules.required:
            return True
        if _ignores_zero(rules) or has_presence(field):
            return False
        refused = zero_is_refused(keywords(rules), _zero(field))
        return refused or self._zero_enum_is_refused(field, rules)

    def _one(self, field: FieldDescriptorProto, rules: Any, said: Json) -> Json:
        if field.type == _TYPE.TYPE_ENUM:
            values = self._descriptors.enum(field.type_name)
            return self._refer(field.type_name) | _chosen(values, rules)
        if field.type == _TYPE.TYPE_MESSAGE:
            return self._refer(field.type_name)
        return _SCALARS[field.type] | said

    def _map(self, field: FieldDescriptorProto, rules: Any) -> Json:
        _, value = self._descriptors.message(field.type_name).field
        said = keywords(rules)
        values = self._one(value, rules.map.values, said.pop("items", {}))
        return {"type": "object", "additionalProperties": values} | said

    def _zero_enum_is_refused(self, field: FieldDescriptorProto, rules: Any) -> bool:
        if field.type != _TYPE.TYPE_ENUM or repeated(field):
            return False
        allowed = getattr(rules.enum, "in")
        return 0 in rules.enum.not_in or (bool(allowed) and 0 not in allowed)


def rules_of(field: FieldDescriptorProto) -> Any:
    """The field's `buf.validate` rules; empty ones where it has none."""
    from buf.validate import validate_pb2

    return field.options.Extensions[validate_pb2.field]


def behavior_of(field: FieldDescriptorProto) -> set[str]:
    """Names of google.api.field_behavior: "REQUIRED", "OUTPUT_ONLY"."""
    from google.api import field_behavior_pb2

    values = field.options.Extensions[field_behavior_pb2.field_behavior]
    return {field_behavior_pb2.FieldBehavior.Name(value) for value in values}


def repeated(field: FieldDescriptorProto) -> bool:
    """Whether the field holds many values, or is a map."""
    return field.label == FieldDescriptorProto.LABEL_REPEATED


def is_map(field: FieldDescriptorProto, descriptors: Descriptors) -> bool:
    """Whether the field is a `map<>`."""
    if field.type != _TYPE.TYPE_MESSAGE or not repeated(field):
        return False
    return descriptors.message(field.type_name).options.map_entry


def has_presence(field: FieldDescriptorProto) -> bool:
    """Whether an absent field is told apart from an empty one."""
    return field.type == _TYPE.TYPE_MESSAGE or field.HasField("oneof_index")


def _ignores_zero(rules: Any) -> bool:
    from buf.validate import validate_pb2

    return bool(rules.ignore != validate_pb2.IGNORE_UNSPECIFIED)


def _or_empty(value: Json, field: FieldDescriptorProto, rules: Any) -> Json:
    """With `ignore`, an empty value passes whatever the rules ask of another."""
    if not _ignores_zero(rules) or "$ref" in value or not zero_is_refused(value, _zero(field)):
        return value
    empty = _zero(field) if value["type"] == "string" else 0
    ruled = {word: said for word, said in value.items() if word != "type"}
    return {"type": value["type"], "anyOf": [{"const": empty}, ruled]}


def _zero(field: FieldDescriptorProto) -> str:
    return "0" if _SCALARS.get(field.type) in (known.INT64, known.UINT64) else ""


def _chosen(enum: EnumDescriptorProto, rules: Any) -> Json:
    """Of an enum's names those that the rules take."""
    names = {value.number: value.name for value in enum.value}
    said: Json = {}
    if allowed := getattr(rules.enum, "in"):
        said["enum"] = [names[number] for number in allowed]
    if rules.enum.not_in:
        said["not"] = {"enum": [names[number] for number in rules.enum.not_in]}
    return said


def _direction(field: FieldDescriptorProto) -> Json:
    behavior = behavior_of(field)
    words = {
        "readOnly": "OUTPUT_ONLY" in behavior,
        "writeOnly": "INPUT_ONLY" in behavior,
        "deprecated": field.options.deprecated,
    }
    return {word: True for word, holds in words.items() if holds}
