"""Messages: none removed, none renamed, none moved, none inserted before others.

The wire format names a message by its place in its file, so that a place once taken stays.
"""

from collections.abc import Iterator

from bridge.schemas.index import Index, fields_of
from bridge.schemas.problem import Problem

KEEP_MESSAGE = (
    "put it back, at its place: its events are stored for ever; to retire it, stop writing it, and "
    "for a newer version of it add a message of the next major version with an upcaster"
)
LAST = "new messages come after the last one; a message's place is on every record of it"


def message_problems(old: Index, new: Index) -> Iterator[Problem]:
    """Compare which messages there are, and where."""
    for name in old.messages:
        if name not in new.messages:
            yield _gone(name, old, new)
        elif old.files[name] != new.files[name]:
            text = f"was moved from {old.files[name]} to {new.files[name]}"
            yield Problem(name, text, "move it back; its place in its file is on every record")
    for scope, before in old.scopes.items():
        yield from _order(before, new.scopes.get(scope, []))


def _gone(name: str, old: Index, new: Index) -> Problem:
    wanted = list(fields_of(old.messages[name]))
    alike = (
        other
        for other in new.messages
        if other not in old.messages
        and _scope(other) == _scope(name)
        and list(fields_of(new.messages[other])) == wanted
    )
    renamed = next(alike, None)
    if renamed is not None:
        return Problem(name, f"was renamed to {_short(renamed)}", KEEP_MESSAGE)
    return Problem(name, "was removed", KEEP_MESSAGE)


def _order(before: list[str], after: list[str]) -> Iterator[Problem]:
    kept = [name for name in before if name in after]
    if not kept:
        return
    last = max(after.index(name) for name in kept)
    for name in after[:last]:
        if name not in before:
            follows = next(one for one in after[after.index(name) :] if one in before)
            yield Problem(name, f"was inserted before {_short(follows)}", LAST)
    for was, now in zip(kept, (name for name in after if name in before), strict=True):
        if was != now:
            yield Problem(now, f"was moved before {_short(was)}", f"move it back; {LAST}")
            return


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _scope(name: str) -> str:
    return name.rpartition(".")[0]
