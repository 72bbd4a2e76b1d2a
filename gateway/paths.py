"""REST path templates of google.api.http: what they match, which fields they bind."""

import re

VARIABLE = re.compile(r"\{([^={}]+)(?:=([^{}]*))?\}")
"""A variable of a template: its field path, and its own template where it has one."""


def shape(template: str) -> str:
    """The template without field names: `/v1/{name=users/*}:x` → `/v1/users/*:x`.

    Two bindings of one verb and one shape can't be told apart.
    """
    return VARIABLE.sub(lambda found: found.group(2) or "*", template)


def variables(template: str) -> tuple[str, ...]:
    """The field paths that the template binds."""
    return tuple(found.group(1) for found in VARIABLE.finditer(template))


def pattern(template: str) -> str:
    """An RE2 expression that matches exactly the paths of the template."""
    wild = {"**": ".+", "*": "[^/:]+"}
    parts = re.split(r"(\*\*|\*)", shape(template))
    return "".join(wild.get(part) or re.escape(part) for part in parts)
