"""Whether what Keycloak has holds what is wanted of it."""

from collections.abc import Mapping
from typing import Any


def differences(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `wanted` whose value `present` lacks or has otherwise, ready to be sent.

    Keycloak adds keys of its own everywhere, so a map is equal when it holds what is wanted; a
    map that differs is sent with the keys that it had.
    """
    return {
        key: {**present[key], **value}
        if isinstance(value, Mapping) and isinstance(present.get(key), Mapping)
        else value
        for key, value in wanted.items()
        if not _holds(present.get(key), value)
    }


def _holds(present: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            _holds(present.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(present, list) and _same_items(present, wanted)
    return bool(present == wanted)


def _same_items(present: list[Any], wanted: list[Any]) -> bool:
    """Order does not count: Keycloak keeps its lists as sets."""
    return len(present) == len(wanted) and all(
        any(_holds(there, one) for there in present) for one in wanted
    )
