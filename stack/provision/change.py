"""One thing that is not as the protos say, and how it is put right: first found, then done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """`text` says it to a person; `act` does it, and may be done twice."""

    text: str
    act: Callable[[], Awaitable[None]]


def calling(text: str, function: Callable[..., Any], *arguments: object) -> Change:
    """Make a change from a call that blocks."""
    return Change(text, partial(asyncio.to_thread, function, *arguments))


async def carry_out(changes: Iterable[Change]) -> None:
    """Do them one after the other, in the order in which they were planned."""
    for change in changes:
        await change.act()


def told(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> str:
    """Say which keys differ and how; values that are long or secret are not shown."""
    return ", ".join(_one(key, present.get(key), value) for key, value in sorted(wanted.items()))


def _one(key: str, old: object, new: object) -> str:
    short = all(value is None or isinstance(value, str | int | float) for value in (old, new))
    if "secret" in key.lower() or not short:
        return key
    return f"{key} {'unset' if old is None else old} → {new}"
