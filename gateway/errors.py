"""What the compiler says when protos do not make a platform."""

from collections.abc import Sequence
from dataclasses import dataclass

PROTOS = "protos"
"""Where the files lie in a checkout: what editors make of `protos/…:41:3` is a link."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the proto file, the element in it (full name), the option, what to do.

    `option` is empty where none is at fault. `line` and `column` count from 1; 0 where the
    descriptors hold no source info.
    """

    file: str
    element: str
    option: str
    text: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        option = f"  (option {self.option})" if self.option else ""
        return f"{PROTOS}/{self.file}{place}: {self.element}: {self.text}{option}"


class ModelError(Exception):
    """The protos contradict the rules of the platform. `problems` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.file, one.line, str(one))))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedConfiguration(Exception):  # noqa: N818 (a verdict, not a fault of the caller's code)
    """Envoy's own validation refused a configuration; the running one was left as it is."""
