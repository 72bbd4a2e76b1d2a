"""Replays for a person."""

from collections.abc import Sequence

from causeway.bridge.v1.operations_service_pb2 import Replay
from stack.audit.moments import shown
from stack.audit.words import counted
from stack.console import table

HEADS = ("ASKED", "MODE", "GROUP", "STATE", "EVENTS", "REPLAY")


def replays_text(replays: Sequence[Replay]) -> str:
    """A line a replay."""
    if not replays:
        return "there was no replay yet"
    return table([_cells(replay) for replay in replays], HEADS)


def replay_text(replay: Replay) -> str:
    """One replay."""
    lines = [
        ("replay", replay.name),
        ("group", replay.group),
        ("mode", f"{word(replay)} from the {origin(replay)}"),
        ("events", selection(replay)),
        ("effects", ", ".join(replay.effects) or "none: nothing is mailed or posted again"),
        ("state", f"{state(replay)}, {progress(replay)}"),
        ("asked", f"{shown(replay.create_time)} by {replay.actor or 'nobody known'}"),
        ("changed", shown(replay.update_time)),
    ]
    if replay.error:
        lines.append(("error", replay.error))
    return "\n".join(f"{head:<9} {text}" for head, text in lines)


def planned_text(replay: Replay) -> str:
    """What a replay would do."""
    effects = (
        f"with {', '.join(replay.effects)}"
        if replay.effects
        else "nothing would be mailed or posted again"
    )
    return (
        f"would hand {counted(replay.events_total)} from the {origin(replay)} to {replay.group}"
        f" ({word(replay)}; {selection(replay)}); {effects}\nnothing was done"
    )


def progress(replay: Replay) -> str:
    """`120 of 1,000 events`; `120 events` while nobody knows how many there are."""
    if replay.events_total < max(1, replay.events_done):
        return counted(replay.events_done)
    return f"{replay.events_done:,} of {counted(replay.events_total)}"


def state(replay: Replay) -> str:
    """`running`."""
    return Replay.State.Name(replay.state).removeprefix("STATE_").lower()


def word(replay: Replay) -> str:
    """`rebuild`."""
    return Replay.Mode.Name(replay.mode).removeprefix("MODE_").lower()


def origin(replay: Replay) -> str:
    """`store`, or `log` on Kafka."""
    return "log on Kafka" if replay.origin == Replay.ORIGIN_KAFKA else "store"


def selection(replay: Replay) -> str:
    """Which events, in words."""
    said = [f"of {', '.join(replay.types)}" if replay.types else "of all types that it handles"]
    if replay.subject:
        said.append(f"about {replay.subject}")
    if replay.HasField("start_time"):
        said.append(f"from {shown(replay.start_time)}")
    if replay.HasField("end_time"):
        said.append(f"before {shown(replay.end_time)}")
    if replay.start_position:
        said.append(f"from position {replay.start_position}")
    if replay.end_position:
        said.append(f"to position {replay.end_position}")
    return " ".join(said)


def _cells(replay: Replay) -> tuple[object, ...]:
    return (
        shown(replay.create_time),
        word(replay),
        replay.group,
        state(replay),
        f"{replay.events_done}/{replay.events_total or '?'}",
        replay.name.removeprefix("replays/"),
    )
