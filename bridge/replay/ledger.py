"""The replays as their table holds them: what is asked for, how far it is, how it ended."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import asyncpg

from bridge.sql import queries
from bridge.store.reading import Selection

LOCK = 0x7265706C  # "repl": with a group, the one who works on its replays
STANDBY_SECONDS = 0.2

End = Literal["succeeded", "failed", "cancelled"]

Checkpoint = Mapping[str, str]
"""What a replay must know to go on: names and texts of its source's own."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One run over stored events, as it was asked for."""

    id: str
    epoch: int
    """Its own in the inbox; later ones are higher."""
    mode: str
    group: str
    origin: str
    """`store` or `kafka`."""
    selection: Selection
    effects: frozenset[str]
    """External effects that may run."""
    actor: str
    checkpoint: Checkpoint
    """Empty: not begun."""
    cancel_requested: bool


async def open_groups(connection: asyncpg.Connection, groups: Collection[str]) -> list[str]:
    """List the groups among `groups` that have a replay to work on."""
    rows = await connection.fetch(queries("replay")["open_groups"], list(groups))
    return [row["consumer_group"] for row in rows]


async def cancelled(connection: asyncpg.Connection, groups: Collection[str]) -> dict[str, str]:
    """Give the groups among `groups` whose replay at hand is to stop, with the replay's id."""
    rows = await connection.fetch(queries("replay")["cancelled"], list(groups))
    return {row["consumer_group"]: row["id"] for row in rows}


async def hold(connection: asyncpg.Connection, name: str) -> None:
    """Wait until nobody else holds `name` (a group), then hold it while the connection lives.

    Asked again and again: a statement that waits holds a snapshot, and vacuum would stand still.
    """
    while True:
        if await connection.fetchval(queries("replay")["lock"], LOCK, name):
            return
        await asyncio.sleep(STANDBY_SECONDS)


async def following(connection: asyncpg.Connection, group: str) -> Replay | None:
    """Read the group's oldest replay that has not ended; they are worked on one by one."""
    row = await connection.fetchrow(queries("replay")["next"], group)
    return None if row is None else _replay(row)


async def begin(connection: asyncpg.Connection, replay: Replay, checkpoint: Checkpoint) -> None:
    """Note that it runs, from `checkpoint` on."""
    await connection.execute(queries("replay")["begin"], replay.id, json.dumps(dict(checkpoint)))


async def advance(
    connection: asyncpg.Connection, replay: Replay, checkpoint: Checkpoint, done: int
) -> None:
    """Note how far it is, in the transaction of the `done` events that led there."""
    text = json.dumps(dict(checkpoint))
    await connection.execute(queries("replay")["advance"], replay.id, text, done)


async def finish(
    connection: asyncpg.Connection, replay: Replay, end: End, error: str = "", done: int = 0
) -> None:
    """Note how it ended, after `done` events more; `error` without personal data."""
    await connection.execute(queries("replay")["finish"], replay.id, end, error, done)


def _replay(row: asyncpg.Record) -> Replay:
    return Replay(
        id=row["id"],
        epoch=row["epoch"],
        mode=row["mode"],
        group=row["consumer_group"],
        origin=row["origin"],
        selection=Selection(
            types=tuple(row["types"]),
            stream=row["subject"],
            start_time=row["start_time"],
            end_time=row["end_time"],
            start_position=row["start_position"],
            end_position=row["end_position"],
        ),
        effects=frozenset(row["effects"]),
        actor=row["actor"],
        checkpoint=json.loads(row["checkpoint"]),
        cancel_requested=row["cancel_requested"],
    )
