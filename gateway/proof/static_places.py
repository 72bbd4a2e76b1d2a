"""Which verb and path a rule of the JWT filter is for."""

import re

from gateway.proof.configuration import Json
from gateway.proof.deployed import Deployed
from gateway.proof.surface import Binding
from gateway.proof.templates import fill, variables

Place = tuple[str, str]
"""Verb, and path or template."""


def place_of(match: Json, deployed: Deployed) -> Place | None:
    """The one place that a rule is for; None where it is for more than one, or for none known."""
    headers = {header.get("name"): header for header in match.get("headers", [])}
    method = headers.get(":method", {})
    text = method.get("string_match", {})
    verb = text.get("exact") or text.get("safe_regex", {}).get("regex", "")
    if not verb or method.get("invert_match"):
        return None
    if set(match) == {"path", "headers"}:
        return verb, match["path"]
    if set(match) == {"safe_regex", "headers"}:
        return _by_pattern(verb, match["safe_regex"].get("regex", ""), deployed)
    return None


def _by_pattern(verb: str, pattern: str, deployed: Deployed) -> Place | None:
    """The one template whose paths the expression fits, if it fits no other binding's."""
    bindings = [one for rpc in deployed.surface.rpcs for one in rpc.bindings]
    fitting = [b for b in bindings if b.verb == verb and re.fullmatch(pattern, _example(b))]
    return (verb, fitting[0].template) if len(fitting) == 1 else None


def _example(binding: Binding) -> str:
    values = {name: shape.replace("*", "x") for name, shape in variables(binding.template)}
    return fill(binding.template, values)
