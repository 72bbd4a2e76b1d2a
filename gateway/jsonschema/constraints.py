"""The rules of `buf.validate` as JSON Schema's keywords, as far as JSON Schema has a word."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.jsonschema.known import Json
from gateway.jsonschema.regexes import ecma

_FORMATS = {"email": "email", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6",
            "uri": "uri", "uri_ref": "uri-reference", "uuid": "uuid"}  # fmt: skip
_LONG = ("int64", "sint64", "sfixed64", "uint64", "fixed64")
_SHORT = ("int32", "sint32", "sfixed32", "uint32", "fixed32", "float", "double")
_BOUNDS = {"gte": "minimum", "gt": "exclusiveMinimum",
           "lte": "maximum", "lt": "exclusiveMaximum"}  # fmt: skip


def keywords(rules: Any) -> Json:
    """FieldRules → keywords for the field's value; empty where there are none."""
    kind = rules.WhichOneof("type")
    return _KINDS[kind](getattr(rules, kind)) if kind in _KINDS else {}


def zero_is_refused(said: Mapping[str, Any], zero: str = "") -> bool:
    """Whether these keywords refuse what an absent field without presence is: "", 0 or [].

    `zero` is that value where JSON has it as text: "0" of 64 bits.
    """
    return (
        said.get("minLength", 0) > 0
        or said.get("minItems", 0) > 0
        or said.get("minProperties", 0) > 0
        or "format" in said
        or ("pattern" in said and re.search(said["pattern"], zero) is None)
        or said.get("minimum", 0) > 0
        or said.get("exclusiveMinimum", -1) >= 0
        or said.get("maximum", 0) < 0
        or said.get("exclusiveMaximum", 1) <= 0
        or ("enum" in said and not {"", 0} & set(said["enum"]))
        or said.get("const", "") not in ("", 0)
    )


def said_in_words(rules: Any) -> list[str]:
    """What has no keyword: expressions, and the bounds of numbers that JSON has as text."""
    kind = rules.WhichOneof("type")
    found = [rule.message or rule.id for rule in rules.cel]
    if kind in _LONG:
        words = {"gte": "at least", "gt": "more than", "lte": "at most", "lt": "less than"}
        limits = getattr(rules, kind)
        found += [f"{word} {getattr(limits, name)}" for name, word in words.items()
                  if limits.HasField(name)]  # fmt: skip
    return found


def _string(rules: Any) -> Json:
    said: Json = {}
    for name, word in (("min_len", "minLength"), ("max_len", "maxLength"), ("const", "const")):
        if rules.HasField(name):
            said[word] = getattr(rules, name)
    if rules.HasField("len"):
        said |= {"minLength": rules.len, "maxLength": rules.len}
    if rules.HasField("pattern"):
        said["pattern"] = ecma(rules.pattern)
    if (known := rules.WhichOneof("well_known")) in _FORMATS and getattr(rules, known):
        said["format"] = _FORMATS[known]
    return said | _choice(rules)


def _choice(rules: Any) -> Json:
    said: Json = {}
    if getattr(rules, "in"):
        said["enum"] = list(getattr(rules, "in"))
    if rules.not_in:
        said["not"] = {"enum": list(rules.not_in)}
    return said


def _number(rules: Any) -> Json:
    said = {word: getattr(rules, name) for name, word in _BOUNDS.items() if rules.HasField(name)}
    lower = [value for word, value in said.items() if word.endswith("inimum")]
    if any(value > upper for value in lower for word, upper in said.items() if "aximum" in word):
        said = {}  # what lies outside of a range; JSON Schema has no word for it
    if rules.HasField("const"):
        said["const"] = rules.const
    return said | _choice(rules)


def _long(rules: Any) -> Json:
    """Text has no bounds; that a number is not negative can be said by a pattern."""
    if rules.HasField("gt") and rules.gt >= 0:
        return {"pattern": "^0*[1-9][0-9]*$"}
    if rules.HasField("gte") and rules.gte >= 0:
        return {"pattern": "^0*[1-9][0-9]*$" if rules.gte > 0 else "^[0-9]{1,19}$"}
    return {}


def _repeated(rules: Any) -> Json:
    said: Json = {}
    if rules.HasField("min_items"):
        said["minItems"] = rules.min_items
    if rules.HasField("max_items"):
        said["maxItems"] = rules.max_items
    if rules.unique:
        said["uniqueItems"] = True
    return said | ({"items": keywords(rules.items)} if rules.HasField("items") else {})


def _map(rules: Any) -> Json:
    said: Json = {}
    if rules.HasField("min_pairs"):
        said["minProperties"] = rules.min_pairs
    if rules.HasField("max_pairs"):
        said["maxProperties"] = rules.max_pairs
    if rules.HasField("keys"):
        said["propertyNames"] = keywords(rules.keys)
    return said | ({"items": keywords(rules.values)} if rules.HasField("values") else {})


_KINDS: dict[str, Callable[[Any], Json]] = {
    "string": _string,
    "repeated": _repeated,
    "map": _map,
    **dict.fromkeys(_SHORT, _number),
    **dict.fromkeys(_LONG, _long),
}
