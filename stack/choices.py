"""What a person chose for one `up`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stack.errors import Code, StackError
from stack.settings import REPLICAS

SCALABLE = ("orders", "users", "notifications", "bridge")


@dataclass(frozen=True, slots=True)
class Choices:
    """`scale`: replicas by service, of its api and its worker alike; `only`: empty means all;
    `collector`: where spans go, of the shell that typed `up`."""

    scale: Mapping[str, int] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    collector: str = ""

    def replicas(self, service: str) -> int:
        """How many processes of each kind the service has."""
        return self.scale.get(service, 1)


def parse_choices(
    scale: Sequence[str], only: Sequence[str], command: str = "causeway up --scale"
) -> Choices:
    """Read `orders=2` and `postgres,kafka`. Raises StackError SETTING_INVALID (usage).

    `command` is what stands before a word of `scale` where it was typed.
    """
    words = [word for text in scale for word in text.split(",") if word]
    names = tuple(name for text in only for name in text.split(",") if name)
    collector = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    return Choices(dict(_replicas(word, command) for word in words), names, collector)


def _replicas(word: str, command: str) -> tuple[str, int]:
    name, _, number = word.partition("=")
    if (
        name not in SCALABLE
        or not (number.isascii() and number.isdecimal())
        or not 1 <= int(number) <= REPLICAS
    ):
        typed = f"{command.removeprefix('causeway up ')} {word}"
        raise StackError(
            Code.SETTING_INVALID,
            f"{typed}: one of {', '.join(SCALABLE)}, with 1 to {REPLICAS} replicas",
            f"{command} orders=2",
            usage=True,
        )
    return name, int(number)


def require_service(name: str, example: str) -> None:
    """Raise StackError UNKNOWN_NAME (usage) for what is no service of the platform."""
    if name not in SCALABLE:
        raise StackError(
            Code.UNKNOWN_NAME,
            f"there is no service {name!r}; there are: {', '.join(SCALABLE)}",
            example,
            usage=True,
        )
