"""Types whose JSON is not that of their fields: protobuf's well-known ones, and 64-bit numbers."""

from typing import Any

Json = dict[str, Any]

_PATHS = r"^([a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*(,[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*)*)?$"
INT64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
UINT64 = {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}
"""JSON's numbers are doubles in most readers, so protobuf writes 64 bits as text."""
INT32 = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
UINT32 = {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 2**32 - 1}
FLOAT = {"anyOf": [{"enum": ["NaN", "Infinity", "-Infinity"]}, {"type": "number"}]}
BYTES = {"type": "string", "contentEncoding": "base64"}
TEXT = {"type": "string"}
TRUTH = {"type": "boolean"}

MESSAGES: dict[str, Json] = {
    "google.protobuf.Timestamp": {
        "type": "string",
        "format": "date-time",
        "description": "RFC 3339, written in UTC with 0, 3, 6 or 9 digits of a second.",
        "examples": ["2026-01-31T12:00:00Z"],
    },
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$",
        "description": "Seconds with up to nine digits behind the point, then `s`.",
        "examples": ["3.5s"],
    },
    "google.protobuf.FieldMask": {
        "type": "string",
        "pattern": _PATHS,
        "description": "Paths of fields in lowerCamelCase, joined by commas.",
        "examples": ["displayName,price"],
    },
    "google.protobuf.Any": {
        "type": "object",
        "required": ["@type"],
        "properties": {"@type": {"type": "string", "minLength": 1}},
        "additionalProperties": True,
        "description": "A message of any type: `@type` is `type.googleapis.com/` and its full "
        "name; its fields stand beside it, or its JSON in `value` where that is no object.",
        "examples": [{"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3.5s"}],
    },
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {"description": "Any JSON."},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Empty": {"type": "object", "maxProperties": 0, "examples": [{}]},
    "google.protobuf.BoolValue": TRUTH,
    "google.protobuf.StringValue": TEXT,
    "google.protobuf.BytesValue": BYTES,
    "google.protobuf.Int32Value": INT32,
    "google.protobuf.UInt32Value": UINT32,
    "google.protobuf.Int64Value": INT64,
    "google.protobuf.UInt64Value": UINT64,
    "google.protobuf.FloatValue": FLOAT,
    "google.protobuf.DoubleValue": FLOAT,
}
IN_QUERIES = frozenset(
    name
    for name, schema in MESSAGES.items()
    if schema.get("type") in ("string", "boolean", "integer") or schema is FLOAT
)
"""Messages that the transcoder reads from one query parameter."""
EXAMPLES: dict[str, Any] = {
    "google.type.Money": {"currencyCode": "EUR", "units": "12", "nanos": 500_000_000},
}
"""Of messages whose fields alone don't show what belongs together."""
