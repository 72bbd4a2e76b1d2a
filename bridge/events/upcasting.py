"""Upcasters: how a stored message of an older type is read as the newer type.

A field that was added needs none: proto gives its default. An upcaster is for a new major version
of a message (`causeway.orders.v2.OrderPlaced` in place of `…v1.OrderPlaced`), which rides on the
same topic. Stored bytes are never rewritten; what is read is brought up to date, so that handlers
and folds know the newest type alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from bridge.errors import Internal


@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step from an older type to a newer one."""

    to: type[Message]
    upcast: Callable[[Any], Message]
    """Pure: the older message in, the newer one out; the same for the same input, for ever."""


class Upcasters:
    """Steps by the full name of the older message, chained: v1 → v2 → v3. Immutable."""

    def __init__(self, steps: Mapping[type[Message], Upcaster]) -> None:
        """Internal if the steps go round in a circle."""
        self._steps = {old.DESCRIPTOR.full_name: step for old, step in steps.items()}
        self._newest = {name: self._last(name) for name in self._steps}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Give each step as (older, newer), full names."""
        return iter((name, _name(step)) for name, step in self._steps.items())

    def __call__(self, message: Message) -> Message:
        """Bring a message up to date; itself if its type has no upcaster."""
        while (step := self._steps.get(message.DESCRIPTOR.full_name)) is not None:
            newer = step.upcast(message)
            if not isinstance(newer, step.to):
                raise Internal(
                    f"the upcaster of {message.DESCRIPTOR.full_name} gives a "
                    f"{type(newer).__name__}, not the {_name(step)} that it names"
                )
            message = newer
        return message

    def newest(self, name: str) -> str:
        """Give the full name that a message of type `name` has once it is read."""
        return self._newest.get(name, name)

    def older(self, name: str) -> frozenset[str]:
        """Give the types that are read as `name`, without itself."""
        return frozenset(old for old, newest in self._newest.items() if newest == name)

    def _last(self, name: str) -> str:
        """Follow the chain from `name` to its end."""
        seen = [name]
        while (step := self._steps.get(seen[-1])) is not None:
            newer = _name(step)
            if newer in seen:
                raise Internal(f"upcasters go round in a circle: {' → '.join([*seen, newer])}")
            seen.append(newer)
        return seen[-1]


def _name(step: Upcaster) -> str:
    return str(step.to.DESCRIPTOR.full_name)


NO_UPCASTERS = Upcasters({})
