"""REST path templates: their parts, filling them, and which method a path reaches.

The rules of matching are those of the transcoder: segments are compared one by one, and what
follows the last colon of the last segment is a verb where any binding has that verb.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.proof.surface import Binding, Rpc

VARIABLE = re.compile(r"\{([^={}]+)(?:=([^{}]*))?\}")
_ESCAPED_SLASH = re.compile(r"%(2f|5c)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """A template taken apart: segments ("*" and "**" stand for anything) and the custom verb."""

    segments: tuple[str, ...]
    verb: str


def parse(template: str) -> Template:
    """`/v1/{name=orders/*}:ship` → segments v1, orders, *; verb ship."""
    plain = VARIABLE.sub(lambda found: found.group(2) or "*", template)
    path, _, verb = plain.partition(":")
    return Template(tuple(path.strip("/").split("/")), verb)


def variables(template: str) -> Iterator[tuple[str, str]]:
    """Field path and pattern of each variable: `name`, `orders/*`."""
    for found in VARIABLE.finditer(template):
        yield found.group(1), found.group(2) or "*"


def fill(template: str, values: Mapping[str, str]) -> str:
    """The path with these values in place of its variables, by field path."""
    return VARIABLE.sub(lambda found: values[found.group(1)], template)


class Resolver:
    """Which method a verb and a path reach; nobody's answer is asked for it."""

    def __init__(self, rpcs: tuple[Rpc, ...]) -> None:
        self._rpcs = {rpc.path: rpc for rpc in rpcs}
        self._known = [(one.verb, parse(one.template), rpc) for rpc in rpcs for one in rpc.bindings]
        self._verbs = {template.verb for _, template, _ in self._known if template.verb}

    def rest(self, verb: str, path: str) -> Rpc | None:
        """The method at a REST path; None where there is nothing, or where it must be refused."""
        plain = path.partition("?")[0].partition("#")[0]
        if _ESCAPED_SLASH.search(plain):
            return None
        return self._match(verb, normalized(plain))

    def grpc(self, path: str) -> Rpc | None:
        """The method at a gRPC path; a query makes it another path."""
        return None if _ESCAPED_SLASH.search(path) else self._rpcs.get(normalized(path))

    def _match(self, verb: str, path: str) -> Rpc | None:
        segments = path.lstrip("/").split("/")
        while segments and not segments[-1]:
            segments.pop()
        custom = ""
        if path.rpartition("/")[2] and segments:
            head, colon, tail = segments[-1].rpartition(":")
            if colon and tail in self._verbs:
                segments[-1], custom = head, tail
        for own, template, rpc in self._known:
            if (own, template.verb) == (verb, custom) and _fits(template.segments, segments):
                return rpc
        return None


def same_shape(one: Binding, other: Binding) -> bool:
    """Whether no request could tell the two apart."""
    return (one.verb, parse(one.template)) == (other.verb, parse(other.template))


def normalized(path: str) -> str:
    """What the edge makes of a path before it looks at it: escapes, dots, doubled slashes."""
    kept: list[str] = []
    parts = re.split(r"/+", unquote(path.replace("\\", "/")).lstrip("/"))
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
        if part in (".", "..") and last:
            kept.append("")
    return "/" + "/".join(kept)


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    if "**" in template:
        at = template.index("**")
        return len(segments) >= at and _fits(template[:at], segments[:at])
    return len(template) == len(segments) and all(
        own in ("*", other) for own, other in zip(template, segments, strict=True)
    )
