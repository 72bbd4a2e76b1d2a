"""What a replay may ask for: rules on the request and its group alone, each a function."""

from collections.abc import Callable
from datetime import UTC, datetime

from bridge.errors import FailedPrecondition, FieldViolation, InvalidArgument
from bridge.replay.request import Group, Request
from bridge.store.reading import Selection

MODES = ("rebuild", "backfill", "redeliver")
ORIGINS = ("", "store", "kafka")
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The driver reads a year 1 as infinity."""


def check(group: Group, request: Request) -> None:
    """Raise InvalidArgument or FailedPrecondition for the first rule that is broken."""
    if request.mode not in MODES:
        raise _invalid("mode", f"{request.mode!r} is none of {', '.join(MODES)}", "UNKNOWN_MODE")
    if request.origin not in ORIGINS:
        raise _invalid("origin", f"{request.origin!r} is neither store nor kafka", "UNKNOWN_ORIGIN")
    _check_names(group, request)
    _check_range(request)
    RULES[request.mode](group, request)


def _check_names(group: Group, request: Request) -> None:
    for name in request.selection.types:
        if name not in group.types:
            raise _invalid(
                "types",
                f"{group.name} has no handler for {name}; it handles {', '.join(group.types)}",
                "UNKNOWN_TYPE",
            )
    for effect in request.effects:
        if effect not in group.effects:
            known = ", ".join(group.effects) or "none"
            raise _invalid(
                "effects",
                f"{group.name} has no effect {effect!r}; it has: {known}",
                "UNKNOWN_EFFECT",
            )


def _check_range(request: Request) -> None:
    chosen = request.selection
    by_position = chosen.start_position is not None or chosen.end_position is not None
    if request.origin == "kafka" and by_position:
        raise _invalid(
            "start_position",
            "positions are the store's: use origin store, or start_time and end_time",
            "POSITION_WITHOUT_STORE",
        )
    for name, time in (("start_time", chosen.start_time), ("end_time", chosen.end_time)):
        if time is not None and time < EARLIEST:
            raise _invalid(name, "no event is as old as that", "INVALID_TIME")
    if _is_empty(chosen):
        raise _invalid("end_time", "the range ends before it begins", "EMPTY_RANGE")


def _is_empty(chosen: Selection) -> bool:
    times, positions = (
        (chosen.start_time, chosen.end_time),
        (chosen.start_position, chosen.end_position),
    )
    if times[0] is not None and times[1] is not None and times[0] >= times[1]:
        return True
    return positions[0] is not None and positions[1] is not None and positions[0] > positions[1]


def _check_rebuild(group: Group, request: Request) -> None:
    if not group.tables:
        raise FailedPrecondition(
            f"{group.name} is no projection: it declares no tables that it alone writes. Use "
            "backfill for events that it has not handled, or redeliver for chosen ones",
            reason="NOT_A_PROJECTION",
            metadata={"group": group.name},
        )
    if request.selection != Selection():
        raise _invalid(
            "types",
            "a rebuild takes all events: a part of them would leave a part of the rows",
            "REBUILD_IS_WHOLE",
        )
    if request.effects:
        raise _invalid("effects", "a rebuild has no external effects", "REBUILD_HAS_NO_EFFECTS")
    origin = "kafka" if group.live else "store"
    if request.origin not in ("", origin):
        why = "its members read from Kafka" if group.live else "its rows are written with the store"
        raise FailedPrecondition(
            f"{group.name} can only be rebuilt from origin {origin}: {why}",
            reason="ORIGIN_NOT_ALLOWED",
            metadata={"group": group.name, "origin": origin},
        )


def _check_backfill(group: Group, _request: Request) -> None:
    if not group.live:
        raise FailedPrecondition(
            f"{group.name} has no members, its rows are written with its events: use rebuild",
            reason="NOT_LIVE",
            metadata={"group": group.name},
        )


def _check_redeliver(group: Group, request: Request) -> None:
    _check_backfill(group, request)
    if request.selection == Selection():
        raise _invalid(
            "types",
            "say which events: by subject, types, times or positions. All again is no choice",
            "NOTHING_CHOSEN",
        )


RULES: dict[str, Callable[[Group, Request], None]] = {
    "rebuild": _check_rebuild,
    "backfill": _check_backfill,
    "redeliver": _check_redeliver,
}


def _invalid(field: str, text: str, reason: str) -> InvalidArgument:
    return InvalidArgument(
        text, violations=(FieldViolation(f"replay.{field}", text),), reason=reason
    )
