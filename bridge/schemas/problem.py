"""What the gate finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One incompatible change: full name of the message or field, what is wrong, what to do."""

    element: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.element} {self.text}: {self.advice}"
