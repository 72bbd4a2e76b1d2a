"""What a piece of configuration must be, key by key: anything else is a difference.

A shape is a literal, a dict of shapes, a list of shapes, or a test of one value. A key that the
shape does not name is a difference too, so what Envoy learns tomorrow is one until it is taught.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.proof.configuration import Finding

REMEDY = "run causeway compile and publish what it writes"
TYPE = "@type"


@dataclass(frozen=True, slots=True)
class Maybe:
    """A key that may be left out."""

    shape: Any


def anything(_: Any) -> bool:
    """What can't let anybody in."""
    return True


def packed(kind: str, **keys: Any) -> dict[str, Any]:
    """The shape of a packed message: the last word of its type, and its keys."""
    return {TYPE: _of_kind(kind), **keys}


def findings(where: str, value: Any, shape: Any) -> Iterator[Finding]:
    """Each difference between a value and its shape, told by the path of its key."""
    for text in _differences(value, shape, ""):
        yield Finding(where, text, REMEDY)


def _of_kind(kind: str) -> Callable[[Any], bool]:
    return lambda told: str(told).rpartition(".")[2] == kind


def _differences(value: Any, shape: Any, at: str) -> Iterator[str]:
    if isinstance(shape, Mapping) and isinstance(value, Mapping):
        yield from _by_key(value, shape, at)
    elif isinstance(shape, list) and isinstance(value, list) and len(shape) == len(value):
        for number, (one, wanted) in enumerate(zip(value, shape, strict=True)):
            yield from _differences(one, wanted, f"{at}[{number}]")
    elif callable(shape):
        if not _passes(shape, value):
            yield f"{at} is {_shown(value)}, which is not allowed"
    elif value != shape:
        yield f"{at} is {_shown(value)} and not {_shown(shape)}"


def _passes(test: Callable[[Any], bool], value: Any) -> bool:
    """A value of another form than the test expects does not pass it."""
    try:
        return bool(test(value))
    except (AttributeError, LookupError, TypeError):
        return False


def _by_key(value: Mapping[str, Any], shape: Mapping[str, Any], at: str) -> Iterator[str]:
    prefix = f"{at}." if at else ""
    for key in sorted(value.keys() - shape.keys()):
        yield f"says {prefix}{key}, which the proof does not know"
    for key, wanted in shape.items():
        if isinstance(wanted, Maybe):
            if key in value:
                yield from _differences(value[key], wanted.shape, prefix + key)
        elif key in value or not (callable(wanted) and _passes(wanted, None)):
            yield from _differences(value.get(key), wanted, prefix + key)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
