"""Snapshots: a long stream is loaded from a fold of its beginning, and the events after it.

A cache, no truth: any row may be missing, of a format that this code does not read, or wrong about
where it stands, and the stream is folded from its start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
from google.protobuf.message import DecodeError

from bridge import logs
from bridge.errors import Internal
from bridge.events.event import Event
from bridge.sql import queries
from bridge.store.event_store import EventStore

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Shape(Generic[State]):
    """How an aggregate is folded, and how a fold is written down."""

    evolve: Callable[[State | None, Event], State]
    """Pure: the state after one more event; None is the state before the first."""
    encode: Callable[[State], bytes]
    decode: Callable[[bytes], State]
    """Raises ValueError (or protobuf's DecodeError) on what it can't read."""
    format: int
    """Number of what `encode` writes. Raise it whenever that, or what `evolve` makes, changes:
    snapshots of other numbers are passed over."""
    every: int = 100
    """Events from one snapshot to the next."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """An aggregate as it was loaded."""

    state: State | None
    """None: the stream has no events."""
    version: int
    """Of the stream: the `expected_version` of the next append."""


class Snapshots(Generic[State]):
    """Loads aggregates of one shape, and keeps their snapshots. Holds no connection."""

    def __init__(self, store: EventStore, shape: Shape[State]) -> None:
        if shape.every < 1:
            raise Internal(f"a snapshot every {shape.every} events")
        self._store = store
        self._shape = shape
        self._sql = queries("snapshots")

    async def load(self, connection: asyncpg.Connection, stream: str) -> Loaded[State]:
        """Fold a stream: from its newest usable snapshot, else from its first event."""
        start = await self._newest(connection, stream)
        events = await self._store.load(connection, stream, start.version)
        return self._fold(start, events)

    async def keep(
        self, connection: asyncpg.Connection, before: Loaded[State], events: list[Event]
    ) -> Loaded[State]:
        """Fold what was just appended; saves a snapshot where `every` events are full.

        In the transaction of the append, or after it.
        """
        after = self._fold(before, events)
        every = self._shape.every
        if events and before.version // every < after.version // every:
            await self.save(connection, events[-1], after)
        return after

    async def save(
        self, connection: asyncpg.Connection, last: Event, loaded: Loaded[State]
    ) -> None:
        """Write the fold of a stream up to and with its event `last`."""
        if loaded.state is None or loaded.version != last.version:
            raise Internal(f"a snapshot at {loaded.version} that ends with event {last.version}")
        await connection.execute(
            self._sql["save"],
            last.stream,
            last.version,
            last.id,
            self._shape.format,
            self._shape.encode(loaded.state),
        )

    def _fold(self, start: Loaded[State], events: list[Event]) -> Loaded[State]:
        state, version = start.state, start.version
        for event in events:
            state, version = self._shape.evolve(state, event), event.version
        return Loaded(state, version)

    async def _newest(self, connection: asyncpg.Connection, stream: str) -> Loaded[State]:
        """Read the snapshot, if there is one that this code may use."""
        row = await connection.fetchrow(self._sql["newest"], stream, self._shape.format)
        if row is None:
            return Loaded(None, 0)
        try:
            return Loaded(self._shape.decode(row["data"]), row["version"])
        except (ValueError, DecodeError) as error:
            logs.warning("snapshot.unreadable", stream=stream, cause=type(error).__name__)
            return Loaded(None, 0)
