"""What the compiler says when protos do not make a platform."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: the proto file, the element in it (full name), the option, and what is wrong."""

    file: str
    element: str
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.element}: option ({self.option}): {self.text}"


class ModelError(Exception):
    """The protos contradict the rules of the platform. `problems` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedConfiguration(Exception):  # noqa: N818 (a verdict, not a fault of the caller's code)
    """Envoy's own validation refused a configuration; the running one was left as it is."""
