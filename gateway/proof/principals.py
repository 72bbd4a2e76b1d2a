"""The principals of Envoy's RBAC filter: what a rule must be, and what it does on made-up tokens.

Samples tell a person who gets in. That nobody else does, only a comparison word for word tells.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.proof.configuration import Json
from gateway.proof.deployed import NAMESPACE, PAYLOAD, Deployed
from gateway.proof.surface import Rpc


class Unreadable(Exception):  # noqa: N818 (a verdict on a rule, for a person)
    """A rule says something that the proof does not know, and so can't vouch for."""


def wanted(rpc: Rpc, deployed: Deployed) -> list[Json]:
    """The principals of a method's rule."""
    if rpc.public:
        return [{"any": True}]
    clients = [_claim(["azp"], _text(client)) for client in deployed.clients]
    ids = [
        _claim(["sub"], {"present_match": True}),
        _claim(["typ"], _text("Bearer")),
        {"or_ids": {"ids": clients}},
    ]
    if rpc.roles and not rpc.owner:  # who owns what is the service's question
        path = ["realm_access", "roles"]
        roles = [_claim(path, {"list_match": {"one_of": _text(r)}}) for r in rpc.roles]
        ids.append({"or_ids": {"ids": roles}})
    return [{"and_ids": {"ids": ids}}]


def same(told: list[Json], wanted: list[Json]) -> bool:
    """Whether both say the same, in whatever order."""
    return bool(_ordered(told) == _ordered(wanted))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _ordered(inner) for key, inner in value.items()}
        if kept.get("metadata_source") == "DYNAMIC":
            del kept["metadata_source"]  # what it is where it is left out
        return kept
    if isinstance(value, list):
        steps = all(isinstance(one, dict) and set(one) == {"key"} for one in value)
        inner = [_ordered(one) for one in value]
        return inner if steps else sorted(inner, key=partial(json.dumps, sort_keys=True))
    return value


def _claim(path: list[str], value: Json) -> Json:
    steps = [{"key": key} for key in (PAYLOAD, *path)]
    matcher = {"filter": NAMESPACE, "path": steps, "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher}}


def _text(exact: str) -> Json:
    return {"string_match": {"exact": exact}}


def allows(principal: Json, metadata: Json) -> bool:
    """Whether a principal matches. `metadata`: what the JWT filter left behind; empty: no token.

    Raises Unreadable.
    """
    (kind, value), *more = principal.items() or [("", None)]
    if more or kind not in _PRINCIPALS:
        raise Unreadable(f"a principal of the kind {kind!r}")
    return _PRINCIPALS[kind](value, metadata)


def _by_metadata(sourced: Json, metadata: Json) -> bool:
    matcher = sourced.get("metadata_matcher", {})
    if sourced.get("metadata_source", "DYNAMIC") != "DYNAMIC":
        raise Unreadable("metadata that is not of the request")
    if matcher.get("filter") != NAMESPACE or matcher.get("invert"):
        raise Unreadable("metadata that the JWT filter does not write, or an inverted match")
    found: Any = metadata
    for step in matcher.get("path", []):
        found = found.get(step["key"]) if isinstance(found, dict) else None
    return _value(matcher.get("value", {}), found)


def _value(match: Json, found: Any) -> bool:
    (kind, wanted), *more = match.items() or [("", None)]
    if more or kind not in _VALUES:
        raise Unreadable(f"a value matched by {kind!r}")
    return _VALUES[kind](wanted, found)


def _exact(wanted: Json, found: Any) -> bool:
    if set(wanted) != {"exact"}:
        raise Unreadable("a text that is not matched exactly")
    return bool(found == wanted["exact"])


def _one_of(wanted: Json, found: Any) -> bool:
    if set(wanted) != {"one_of"}:
        raise Unreadable("a list that is not matched by one of its entries")
    return isinstance(found, list) and any(_value(wanted["one_of"], one) for one in found)


_PRINCIPALS: dict[str, Callable[[Any, Json], bool]] = {
    "any": lambda value, _: bool(value),
    "and_ids": lambda value, metadata: all(allows(one, metadata) for one in value["ids"]),
    "or_ids": lambda value, metadata: any(allows(one, metadata) for one in value["ids"]),
    "not_id": lambda value, metadata: not allows(value, metadata),
    "sourced_metadata": _by_metadata,
}
_VALUES: dict[str, Callable[[Any, Any], bool]] = {
    "present_match": lambda wanted, found: bool(wanted) == (found is not None),
    "string_match": _exact,
    "list_match": _one_of,
}
