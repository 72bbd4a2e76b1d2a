"""Messages that keep the rules of `buf.validate`, so that handlers are reached.

What a rule can't tell is told by hints: names of resources that exist, skus that have a price.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from buf.validate import validate_pb2
from tests.fuzz import values
from tests.fuzz.messages import any_value, chosen, fill

Hints = Mapping[str, SearchStrategy[Any]]
"""By a field's full name: what to take instead of what its rules allow."""

UNSET: SearchStrategy[Any] = st.nothing()
"""A hint: leave the field out."""
PLAIN = st.characters(categories=["L", "N", "Zs", "S", "P"])
"""No control characters, and none that turn the direction of text."""


@st.composite
def valid(draw: DrawFn, kind: Descriptor, hints: Hints) -> Message:
    """A message that keeps its rules; required fields are set, the others set or not."""
    message = GetMessageClass(kind)()
    if kind.full_name == Money.DESCRIPTOR.full_name:
        return draw(_euros())
    wanted = {field.name: field for field in chosen(draw, kind)}
    wanted |= {field.name: field for field in kind.fields if must(field)}
    for field in wanted.values():
        if hints.get(field.full_name) is UNSET:
            continue
        sizes = _sizes(rules_of(field))
        fill(draw, message, field, lambda one: value_of(one, hints), sizes)
    return message


def value_of(field: FieldDescriptor, hints: Hints) -> SearchStrategy[Any]:
    """One value that keeps the field's rules."""
    hint = hints.get(field.full_name)
    if hint is not None:
        return hint
    if field.message_type is not None:
        own = field.message_type.full_name.startswith(("causeway.", "google.type."))
        return valid(field.message_type, hints) if own else _well_known(field)
    rules = rules_of(field)
    if field.is_repeated:
        rules = rules.repeated.items
    if field.enum_type is not None:
        numbers = [value.number for value in field.enum_type.values]
        return st.sampled_from([n for n in numbers if n not in rules.enum.not_in])
    make = _BY_RULES.get(rules.WhichOneof("type") or "")
    return make(rules) if make else any_value(field, 0)


def must(field: FieldDescriptor) -> bool:
    """Whether a message without the field is refused, or says nothing."""
    behaviour = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    named = field_behavior_pb2.REQUIRED in behaviour or field_behavior_pb2.IDENTIFIER in behaviour
    rules = rules_of(field)
    least = rules.repeated.min_items or rules.string.min_len or rules.int64.gte > 0
    return named or bool(rules.required or least or rules.enum.not_in)


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """The field's rules; empty where it has none."""
    return field.GetOptions().Extensions[validate_pb2.field]


def _sizes(rules: validate_pb2.FieldRules) -> tuple[int, int]:
    least = rules.repeated.min_items
    return least, max(least, min(rules.repeated.max_items or 4, 4))


def _text(rules: validate_pb2.FieldRules) -> SearchStrategy[str]:
    wanted = rules.string
    if wanted.uuid:
        return st.uuids().map(str)
    if wanted.email:
        return st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8})?@example\.(com|org)", fullmatch=True)
    if wanted.uri:
        return st.from_regex(r"https://[a-z]{1,8}\.example/[a-z]{0,8}", fullmatch=True)
    # RE2's classes of characters are not Python's, and Python's `$` lets a line end pass.
    if wanted.pattern and r"\p" not in wanted.pattern:
        pattern = wanted.pattern.removeprefix("^").removesuffix("$")
        return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
    most = min(wanted.max_len or 40, 40)
    letters = PLAIN if wanted.pattern else st.characters(exclude_categories=["Cs"])
    return st.text(letters, min_size=wanted.min_len, max_size=most)


def _whole(part: str, low: int, high: int) -> Callable[[Any], SearchStrategy[int]]:
    def numbers(rules: Any) -> SearchStrategy[int]:
        wanted = getattr(rules, part)
        least = wanted.gte if wanted.HasField("gte") else low
        most = wanted.lte if wanted.HasField("lte") else high
        return st.one_of(st.sampled_from((least, most)), st.integers(least, most))

    return numbers


def _well_known(field: FieldDescriptor) -> SearchStrategy[Any]:
    return any_value(field, 2)


@st.composite
def _euros(draw: DrawFn) -> Message:
    nanos = draw(st.sampled_from((0, 500_000_000, 999_999_999)))
    money: Message = Money(currency_code="EUR", units=draw(st.integers(0, 1000)), nanos=nanos)
    return money


_BY_RULES: Mapping[str, Callable[[Any], SearchStrategy[Any]]] = {
    "string": _text,
    "int32": _whole("int32", -(2**31), 2**31 - 1),
    "int64": _whole("int64", -(2**63), 2**63 - 1),
    "bool": lambda _: values.booleans,
}
