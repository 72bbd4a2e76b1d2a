"""Values that break the `buf.validate` rules of a field: a request that must fail where it is read.

A method that is let in answers INVALID_ARGUMENT to it, and nothing has changed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from buf.validate import validate_pb2

STRINGS = ("PROOF", "proof!", "", "-")
"""Tried in turn against a pattern; the first fits into a path too."""
_NUMBERS = ("int32", "int64", "uint32", "uint64")


def violations(
    message: DescriptorProto, messages: Mapping[str, DescriptorProto]
) -> Iterator[tuple[str, Any]]:
    """Field path and JSON value that breaks a rule of that field; messages are looked into once."""
    for field in message.field:
        value = _broken(field)
        if value is not None:
            yield field.name, value
        elif inner := _inner(field, messages):
            for own in inner.field:
                if (value := _broken(own)) is not None:
                    yield f"{field.name}.{own.name}", value


def missing(message: DescriptorProto) -> list[str]:
    """Fields whose very absence breaks a rule."""
    return [field.name for field in message.field if _needed(field)]


def _inner(
    field: FieldDescriptorProto, messages: Mapping[str, DescriptorProto]
) -> DescriptorProto | None:
    single = field.label != FieldDescriptorProto.LABEL_REPEATED
    ours = field.type_name.startswith(".causeway.")
    return messages.get(field.type_name.removeprefix(".")) if single and ours else None


def _rules(field: FieldDescriptorProto) -> validate_pb2.FieldRules:
    found: validate_pb2.FieldRules = field.options.Extensions[validate_pb2.field]
    return found


def _needed(field: FieldDescriptorProto) -> bool:
    rules = _rules(field)
    if rules.required or rules.repeated.min_items > 0:
        return True
    zero_ignored = rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE
    plain = field.label != FieldDescriptorProto.LABEL_REPEATED and not field.proto3_optional
    return plain and not zero_ignored and _rejects(rules.string, "")


def _broken(field: FieldDescriptorProto) -> Any:
    """A non-empty value that the field's own rules refuse; None where there is none."""
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return None
    rules = _rules(field)
    if rules.ignore == validate_pb2.IGNORE_ALWAYS:
        return None
    kind = rules.WhichOneof("type")
    if kind == "string":
        return next((text for text in _texts(rules.string) if _rejects(rules.string, text)), None)
    if kind in _NUMBERS:
        return _beyond(getattr(rules, kind))
    return None


def _texts(rules: validate_pb2.StringRules) -> Iterator[str]:
    yield from (text for text in STRINGS if text)
    if rules.HasField("max_len"):
        yield "x" * (rules.max_len + 1)


def _rejects(rules: validate_pb2.StringRules, text: str) -> bool:
    if rules.uuid or rules.email:
        return True  # none of ours is one
    if rules.HasField("min_len") and len(text) < rules.min_len:
        return True
    if rules.HasField("max_len") and len(text) > rules.max_len:
        return True
    try:
        return bool(rules.pattern) and re.search(rules.pattern, text) is None
    except re.error:
        return False  # RE2 knows expressions that re does not; another rule will do


def _beyond(rules: Any) -> int | None:
    if rules.HasField("gte"):
        return int(rules.gte) - 1
    return int(rules.lte) + 1 if rules.HasField("lte") else None
