"""Dead letters for a person."""

import json
from collections.abc import Sequence

from causeway.bridge.v1.operations_service_pb2 import DeadLetter
from stack.audit.event_text import data_text, place, short
from stack.audit.moments import shown
from stack.console import table

HEADS = ("PARKED", "GROUP", "KEY", "TYPE", "REASON", "TRIES", "NEXT TRY", "NAME")


def letters_text(letters: Sequence[DeadLetter]) -> str:
    """A line a dead letter."""
    if not letters:
        return "no event is parked"
    return table([_cells(letter) for letter in letters], HEADS)


def letter_text(letter: DeadLetter) -> str:
    """One dead letter with the event, as far as it is known."""
    event = letter.event
    lines = [
        ("dead letter", letter.name),
        ("group", letter.group),
        ("reason", letter.reason),
        ("failed at", letter.stack_digest or "it waits for an earlier event of its key"),
        ("attempts", str(letter.attempts)),
        ("parked", shown(letter.park_time)),
        ("next try", next_try(letter)),
        ("event", event.name or "unknown"),
        ("type", event.type or "unknown"),
        ("subject", event.subject or "unknown"),
        ("key", event.key or "none: it parks alone"),
        ("kafka", place(event)),
    ]
    told = "\n".join(f"{head:<12} {text}" for head, text in lines)
    if event.HasField("data"):
        return f"{told}\n\n{data_text(event)}"
    raw = json.dumps(letter.raw_value.decode("latin-1"))
    return f"{told}\n\nit can't be decoded; its value begins with\n{raw}"


def next_try(letter: DeadLetter) -> str:
    """When it is tried again, or what it waits for."""
    if letter.HasField("discard_time"):
        return "given up"
    if letter.HasField("redrive_time"):
        return "now"
    if letter.HasField("next_attempt_time"):
        return shown(letter.next_attempt_time)
    return "after its key" if not letter.attempts else "on redrive"


def _cells(letter: DeadLetter) -> tuple[object, ...]:
    return (
        shown(letter.park_time),
        letter.group,
        letter.event.key or "-",
        short(letter.event.type) or "-",
        letter.reason,
        letter.attempts,
        next_try(letter),
        letter.name.removeprefix("deadLetters/"),
    )
