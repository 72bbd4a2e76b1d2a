"""Which verb and path a rule of the JWT filter is for."""

import re
from typing import Any

from gateway.proof.configuration import Json
from gateway.proof.deployed import Deployed
from gateway.proof.templates import VARIABLE, variables

Place = tuple[str, str]
"""Verb, and path or template."""


def place_of(match: Json, deployed: Deployed) -> Place | None:
    """The one place that a rule is for; None where it is for more than one, or for none known.

    An expression counts where it is the very one that the proof writes for a template: tried on
    samples, one that fits a few real paths more would look the same.
    """
    headers = {header.get("name"): header for header in match.get("headers", [])}
    method = headers.get(":method", {})
    text = method.get("string_match", {})
    verb = text.get("exact") or text.get("safe_regex", {}).get("regex", "")
    if not verb or set(method) != {"name", "string_match"}:
        return None
    if set(match) == {"path", "headers"}:
        return verb, match["path"]
    if set(match) == {"safe_regex", "headers"}:
        return _by_pattern(verb, match["safe_regex"], deployed)
    return None


def match_of(place: Place) -> Json:
    """What a rule for a place says of the path."""
    path = place[1]
    return {"safe_regex": {"regex": pattern(path)}} if dict(variables(path)) else {"path": path}


def pattern(template: str) -> str:
    """An expression for the paths of a template: `*` is one segment without a verb."""
    plain = VARIABLE.sub(lambda found: found.group(2) or "*", template)
    parts = re.split(r"(\*+)", plain)
    wild: dict[str, Any] = {"*": "[^/:]+", "**": ".+"}
    return "".join(wild.get(part, re.escape(part)) for part in parts)


def _by_pattern(verb: str, regex: Json, deployed: Deployed) -> Place | None:
    for rpc in deployed.surface.rpcs:
        for one in rpc.bindings:
            if one.verb == verb and regex == {"regex": pattern(one.template)}:
                return verb, one.template
    return None
