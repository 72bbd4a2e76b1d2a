"""A value that a schema takes, for examples. None where none is found by these simple means."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from gateway.jsonschema.known import Json
from gateway.jsonschema.messages import COMPONENTS, EXAMPLE_ID

_DEPTH = 4
"""Messages may hold themselves; below this, what is not required is left out."""
_CLASS = re.compile(r"\[[^\]]*\](?:\{[^}]*\}|[+*?])?")
_CLASSES = 6
"""Above it, too many combinations to try."""
_FORMATS = {
    "uuid": "0198c0de-0000-7000-8000-000000000000",
    "email": "somebody@example.com",
    "uri": "https://example.com/",
    "uri-reference": "/a",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "date-time": "2026-01-31T12:00:00Z",
}


class Samples:
    """`reading` True for answers, which lack what is write-only; False for requests."""

    def __init__(self, components: Mapping[str, Json], *, reading: bool) -> None:
        self._components = components
        self._left_out = "writeOnly" if reading else "readOnly"
        self._reading = reading

    def of(self, schema: Json, name: str = "", depth: int = 0) -> Any:
        """A value for the schema of the field `name`."""
        if "$ref" in schema:
            target = self._components[schema["$ref"].removeprefix(COMPONENTS)]
            return self.of(
                {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, name, depth
            )
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema:
            return _name(schema)
        if "anyOf" in schema:
            rest = {word: said for word, said in schema.items() if word != "anyOf"}
            return self.of({**rest, **schema["anyOf"][-1]}, name, depth)
        return self._by_type(schema, name, depth)

    def _by_type(self, schema: Json, name: str, depth: int) -> Any:
        match schema.get("type"):
            case "string":
                return _text(schema, name)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return True
            case "array":
                one = self.of(schema["items"], name, depth + 1) if depth < _DEPTH else None
                return [] if one is None else [one]
            case "object":
                return self._object(schema, depth)
        return None

    def _object(self, schema: Json, depth: int) -> Json | None:
        wanted = self._wanted(schema, depth)
        found = {
            key: self.of(schema["properties"][key], key, depth + 1)
            for key in schema.get("properties", {})
            if key in wanted
        }
        if any(found.get(key) is None for key in schema.get("required", ()) if key in wanted):
            return None  # better no example than a wrong one
        return {key: value for key, value in found.items() if value is not None}

    def _wanted(self, schema: Json, depth: int) -> set[str]:
        """Answers have all; requests what they must have, or all where nothing is asked for."""
        required = {*schema.get("required", ()), *_one_of_each(schema)}
        if depth >= _DEPTH or (required and not self._reading):
            return required
        others = {one for group in schema.get("x-oneof", {}).values() for one in group[1:]}
        return {
            key
            for key, value in schema.get("properties", {}).items()
            if key not in others and not value.get(self._left_out)
        }


def _one_of_each(schema: Json) -> Iterator[str]:
    """The first member of every oneof that must be filled."""
    for rule in schema.get("allOf", ()):
        first, last = rule["oneOf"][0], rule["oneOf"][-1]
        if "required" in last:
            yield first["required"][0]


def _name(schema: Json) -> Any:
    refused = schema.get("not", {}).get("enum", ())
    names = [name for name in schema["enum"] if name not in refused]
    told = [name for name in names if not str(name).endswith("_UNSPECIFIED")]
    return (told or names)[0]


def _number(schema: Json) -> int | float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    most = schema.get("maximum", schema.get("exclusiveMaximum", 2) - 1)
    number: int | float = schema.get("const", max(least, min(1, most)))
    return number


def _text(schema: Json, name: str) -> str | None:
    if "const" in schema or ("format" in schema and schema["format"] in _FORMATS):
        return str(schema.get("const", _FORMATS.get(schema.get("format", ""), "")))
    if schema.get("contentEncoding") == "base64":
        return "AAE="
    pattern = schema.get("pattern", "")
    prefix = re.match(r"\^((?:[A-Za-z]+/)*)", pattern)
    resource = f"{prefix.group(1)}{EXAMPLE_ID}" if prefix else EXAMPLE_ID
    least = schema.get("minLength", 0)
    first = resource if prefix and prefix.group(1) else name or "text"
    for text in (first, "42", EXAMPLE_ID, *_spelled_out(pattern)):
        long_enough = (text * least)[:least] if len(text) < least else text
        fitting = long_enough[: schema.get("maxLength")]
        if re.search(pattern, fitting):
            return fitting
    return None


def _spelled_out(pattern: str) -> Iterator[str]:
    """The pattern itself with one letter or digit for each of its classes."""
    parts = _CLASS.split(pattern.strip("^$"))
    for chosen in product("a1", repeat=min(len(parts) - 1, _CLASSES)):
        yield "".join(part + one for part, one in zip(parts, (*chosen, ""), strict=False))
