"""Bugs to catch: substitutes at the ports of the product, put there in an actor's process alone.

Each module says which well-known mistake it makes. The product has no switch for any of them.
"""

from collections.abc import Callable, Mapping

from tests.torture.planted import (
    acks_one,
    commit_first,
    cursor,
    inbox_off,
    parking_passes,
    skip_locked,
)

PLANTED: Mapping[str, Callable[[], None]] = {
    "acks-one": acks_one.plant,
    "commit-first": commit_first.plant,
    "cursor": cursor.plant,
    "inbox-off": inbox_off.plant,
    "parking-passes": parking_passes.plant,
    "skip-locked": skip_locked.plant,
}


def plant(bug: str) -> None:
    """Put the bug of this name into this process; empty: leave the product as it is."""
    if bug:
        PLANTED[bug]()
