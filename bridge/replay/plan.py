"""What a replay would do: whether it may, from where it reads, and how many events there are.

For whoever writes `bridge.replays` (the API), with any connection that may read the schema
`bridge` of the owning service's database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg

from bridge.errors import FailedPrecondition, FieldViolation, InvalidArgument
from bridge.replay.request import Group, Request
from bridge.replay.rules import check
from bridge.sql import queries
from bridge.store.reading import Selection

STORE, KAFKA = "store", "kafka"


@dataclass(frozen=True, slots=True)
class Plan:
    """A replay that may be, with everything chosen."""

    request: Request
    """With its origin; its types, if they were left open, are still open."""
    types: tuple[str, ...]
    """Full names of the messages that would be handled."""
    topics: tuple[str, ...]
    """Of the whole group."""
    effects_on: tuple[str, ...]
    effects_off: tuple[str, ...]
    """What the handlers enqueue else, and would not now."""


async def plan(connection: asyncpg.Connection, request: Request) -> Plan:
    """Check a request against what the service says of its group.

    InvalidArgument: wrong whatever the state, or an unknown group. FailedPrecondition: this group,
    or its inbox, does not allow it. Both say what to do.
    """
    group = await find_group(connection, request.group)
    check(group, request)
    types = request.selection.types or group.types
    origin = request.origin or await _origin(connection, group, request, types)
    if request.mode == "backfill":
        await _check_inbox(connection, group, request.selection)
    if origin == STORE and group.live and not await _stored(connection, types):
        raise InvalidArgument(
            f"nothing of {', '.join(types)} is in this service's store: use origin kafka",
            violations=(FieldViolation("replay.origin", "the store holds none of these types"),),
            reason="NOT_IN_STORE",
        )
    on = tuple(effect for effect in group.effects if effect in request.effects)
    off = tuple(effect for effect in group.effects if effect not in request.effects)
    return Plan(replace(request, origin=origin), types, group.topics, on, off)


async def count(connection: asyncpg.Connection, plan: Plan) -> Mapping[str, int]:
    """Count the events that would be read, by stored type; those given up are counted too.

    Kafka itself is not read: what it has is what the stores say they have published. So for origin
    `kafka` ask with a connection to each database whose service writes one of `plan.topics`, and
    add up.
    """
    selection = plan.request.selection
    rows = await connection.fetch(
        queries("replay")["count"],
        list(plan.types),
        selection.stream,
        selection.start_time,
        selection.end_time,
        selection.start_position,
        selection.end_position,
        plan.request.origin == KAFKA,
    )
    return {row["type"]: row["events"] for row in rows}


async def find_group(connection: asyncpg.Connection, name: str) -> Group:
    """Read what is known of a group. InvalidArgument UNKNOWN_GROUP names those that there are."""
    row = await connection.fetchrow(queries("replay")["group"], name)
    if row is None:
        names = [one["consumer_group"] for one in await connection.fetch(_sql("group_names"))]
        raise InvalidArgument(
            f"no worker has a group {name}; there are: {', '.join(names) or 'none'}",
            violations=(FieldViolation("replay.group", "unknown here"),),
            reason="UNKNOWN_GROUP",
            metadata={"group": name},
        )
    return Group(
        row["consumer_group"],
        tuple(row["topics"]),
        tuple(row["types"]),
        tuple(row["tables"]),
        tuple(row["effects"]),
        row["live"],
        row["inbox_start_time"],
    )


async def _origin(
    connection: asyncpg.Connection, group: Group, request: Request, types: tuple[str, ...]
) -> str:
    """Choose: a group without members lives by the store; else the store if it has all types."""
    if request.mode == "rebuild":
        return KAFKA if group.live else STORE
    selection = request.selection
    if selection.start_position is not None or selection.end_position is not None:
        return STORE
    return STORE if await _stored(connection, types) == frozenset(types) else KAFKA


async def _stored(connection: asyncpg.Connection, types: tuple[str, ...]) -> frozenset[str]:
    rows = await connection.fetch(_sql("stored_types"), list(types))
    return frozenset(row["name"] for row in rows)


async def _check_inbox(connection: asyncpg.Connection, group: Group, selection: Selection) -> None:
    """Refuse a range in which the inbox can't tell any more what the group has handled."""
    whole_from = group.inbox_start_time
    if whole_from is None or selection.types:
        return
    start = selection.start_time
    if start is None and selection.start_position is not None:
        start = await connection.fetchval(_sql("time_of"), selection.start_position)
    if start is None or start < whole_from:
        raise FailedPrecondition(
            f"what {group.name} handled before {whole_from:%Y-%m-%dT%H:%M:%SZ} is not in its inbox "
            "any more, and would be handled again: name the types that it has never handled, or "
            "begin with start_time at or after that time",
            reason="INBOX_CLEANED",
            metadata={"group": group.name, "inbox_start_time": whole_from.isoformat()},
        )


def _sql(name: str) -> str:
    return queries("replay")[name]
