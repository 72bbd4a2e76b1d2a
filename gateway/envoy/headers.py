"""Headers that Envoy sets."""

from typing import Any


def overwriting(name: str, value: str) -> dict[str, Any]:
    """A `HeaderValueOption` that puts this value in place of whatever was there."""
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
