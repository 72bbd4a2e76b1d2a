"""Path templates of google.api.http → OpenAPI's, which name one segment each.

`/v1/{name=orders/*}:cancel` → `/v1/orders/{order}:cancel`; the field `name` is put together from
the literal parts and the segments: `orders/{order}`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway import paths
from gateway.descriptors import Descriptors

_WILDCARD = re.compile(r"\*\*|\*")


@dataclass(frozen=True, slots=True)
class Segment:
    """A path parameter: one wildcard in the template of the field `field` (`orders/*`)."""

    name: str
    field: str
    template: str
    deep: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A path as OpenAPI writes it, and its parameters in order."""

    text: str
    segments: tuple[Segment, ...]


class Paths:
    """Reads templates; one shape gets one spelling, because OpenAPI takes two for one path."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._resources = resource_names(descriptors)
        self._known: dict[str, Path] = {}

    def read(self, template: str) -> Path:
        """The path of a binding."""
        found = _read(template, self._resources)
        first = self._known.setdefault(paths.shape(template), found)
        pairs = zip(found.segments, first.segments, strict=True)
        return Path(first.text, tuple(replace(one, name=same.name) for one, same in pairs))


def resource_names(descriptors: Descriptors) -> dict[str, tuple[str, ...]]:
    """Shape of a google.api.resource pattern → names: `orders/*` → ("order",)."""
    from google.api import resource_pb2

    found: dict[str, tuple[str, ...]] = {}
    for message in descriptors.messages().values():
        for pattern in message.options.Extensions[resource_pb2.resource].pattern:
            names = tuple(_camel(name) for name in paths.variables(pattern))
            found.setdefault(paths.shape(pattern), names)
    return found


def _read(template: str, resources: Mapping[str, tuple[str, ...]]) -> Path:
    segments: list[Segment] = []

    def put(variable: re.Match[str]) -> str:
        field, inner = variable.group(1), variable.group(2) or "*"
        names = iter([*_names(field, inner, resources, {one.name for one in segments})])

        def segment(wildcard: re.Match[str]) -> str:
            segments.append(Segment(next(names), field, inner, wildcard.group() == "**"))
            return f"{{{segments[-1].name}}}"

        return _WILDCARD.sub(segment, inner)

    return Path(paths.VARIABLE.sub(put, template), tuple(segments))


def _names(
    field: str, inner: str, resources: Mapping[str, tuple[str, ...]], taken: set[str]
) -> Iterator[str]:
    wanted = resources.get(inner)
    count = len(_WILDCARD.findall(inner))
    for index in range(count):
        name = wanted[index] if wanted else _camel(field.rpartition(".")[2])
        unique = name
        while unique in taken:
            unique = f"{name}{len(taken) + 1}"
        taken.add(unique)
        yield unique


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
