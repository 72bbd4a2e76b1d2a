"""What is asked of a replay, and of which group."""

from dataclasses import dataclass
from datetime import datetime

from bridge.store.reading import Selection


@dataclass(frozen=True, slots=True)
class Request:
    """A replay that somebody asks for."""

    mode: str
    """`rebuild`, `backfill` or `redeliver`."""
    group: str
    origin: str = ""
    """`store` or `kafka`; empty: the one that fits."""
    selection: Selection = Selection()  # noqa: RUF009  (frozen)
    effects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """What the workers say of a group, in `bridge.consumers`."""

    name: str
    topics: tuple[str, ...]
    types: tuple[str, ...]
    tables: tuple[str, ...]
    effects: tuple[str, ...]
    live: bool
    inbox_start_time: datetime | None
