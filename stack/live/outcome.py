"""What a change of the running platform found and did, one part at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One part of the platform, compared with the protos; `changes` is empty where it is equal.

    `act` makes the changes; it raises StackError, and may be repeated. `note` tells what follows
    from the changes for who uses the platform.
    """

    name: str
    changes: Sequence[str]
    act: Callable[[], Awaitable[None]]
    note: str = ""


def line(target: Target, *, done: bool) -> str:
    """One line for a person, and further ones where there is more than one change."""
    if not target.changes:
        return f"{target.name:<10} as the protos say"
    verb = "changed" if done else "would change"
    head = f"{target.name:<10} {verb}: "
    lines = [*target.changes, *([f"({target.note})"] if target.note else [])]
    return head + ("\n" + " " * len(head)).join(lines)
