"""The API's Replay: made of rows of `bridge.replays` and of plans, and read as a request."""

from typing import Any

from bridge.api.listing import Row
from bridge.api.points import point_of
from bridge.replay.request import Request
from bridge.store.reading import Selection
from bridge.timestamps import timestamp
from causeway.bridge.v1 import operations_service_pb2 as pb

MODES = {
    "rebuild": pb.Replay.MODE_REBUILD,
    "backfill": pb.Replay.MODE_BACKFILL,
    "redeliver": pb.Replay.MODE_REDELIVER,
}
NAMES = {mode: name for name, mode in MODES.items()}
ORIGINS = {"store": pb.Replay.ORIGIN_STORE, "kafka": pb.Replay.ORIGIN_KAFKA}
ORIGIN_NAMES = {origin: name for name, origin in ORIGINS.items()}


def replay_message(row: Row) -> pb.Replay:
    """The replay as it stands."""
    return pb.Replay(
        name=f"replays/{row['id']}",
        mode=MODES[row["mode"]],
        group=row["consumer_group"],
        origin=ORIGINS[row["origin"]],
        subject=row["subject"],
        types=row["types"],
        start_time=timestamp(row["start_time"]),
        end_time=timestamp(row["end_time"]),
        start_position=row["start_position"] or 0,
        end_position=row["end_position"] or 0,
        effects=row["effects"],
        state=pb.Replay.State.Value(f"STATE_{row['state'].upper()}"),
        events_total=row["events_total"],
        events_done=row["events_done"],
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        error=row["error"],
        actor=row["actor"],
    )


def request_of(replay: pb.Replay) -> Request:
    """What the caller asks for, as the plan reads it. InvalidArgument for a wrong time."""
    return Request(
        mode=NAMES[replay.mode],
        group=replay.group,
        origin=ORIGIN_NAMES.get(replay.origin, ""),
        selection=Selection(
            types=tuple(replay.types),
            stream=replay.subject,
            start_time=point_of(replay, "start_time"),
            end_time=point_of(replay, "end_time"),
            start_position=replay.start_position or None,
            end_position=replay.end_position or None,
        ),
        effects=tuple(replay.effects),
    )


def planned_message(request: Request, total: int) -> pb.Replay:
    """A replay that would be: as asked for, with its origin and its size, and no name."""
    chosen = request.selection
    return pb.Replay(
        mode=MODES[request.mode],
        group=request.group,
        origin=ORIGINS[request.origin],
        subject=chosen.stream,
        types=chosen.types,
        start_time=timestamp(chosen.start_time),
        end_time=timestamp(chosen.end_time),
        start_position=chosen.start_position or 0,
        end_position=chosen.end_position or 0,
        effects=request.effects,
        events_total=total,
    )


def values_of(replay_id: str, request: Request, total: int, actor: str) -> tuple[Any, ...]:
    """The values of the query `replay_start`, in its order."""
    chosen = request.selection
    return (
        replay_id,
        request.mode,
        request.group,
        request.origin,
        chosen.stream,
        list(chosen.types),
        chosen.start_time,
        chosen.end_time,
        chosen.start_position,
        chosen.end_position,
        list(request.effects),
        total,
        actor,
    )
