"""`causeway status` for a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stack.console import table
from stack.health import Seen
from stack.journal import Record

if TYPE_CHECKING:
    from bridge.kafka.cluster import Partition


def status_text(
    record: Record, seen: Sequence[Seen], rows: "Sequence[Partition]", unknown: str
) -> str:
    """A table of processes, why others are not up with the logs of those down, and partitions.

    `unknown` is why there are no `rows`; empty when there are all.
    """
    up = sum(one.up for one in seen)
    parts = [f"{record.phase}: {up} of {len(seen)} processes are up", _processes(seen)]
    starting = [one for one in seen if not one.up and one.phase == "starting"]
    if starting:
        parts.append("\n".join(map(_still_starting, starting)))
    parts += [_trouble(one) for one in seen if not one.up and one not in starting]
    if rows:
        parts.append(_partitions(rows))
    if unknown:
        parts.append(f"the partitions are unknown: {unknown}")
    return "\n\n".join(parts)


def _processes(seen: Sequence[Seen]) -> str:
    heads = ("NAME", "STATE", "PID", "UP", "RESTARTS", "PORTS")
    return table(
        [
            (
                one.name,
                one.phase,
                one.pid or "-",
                _span(one.uptime),
                one.restarts,
                ",".join(map(str, one.ports.values())),
            )
            for one in seen
        ],
        heads,
    )


def _still_starting(one: Seen) -> str:
    return f"{one.name} is starting: {one.reason}   (causeway logs {one.name})"


def _trouble(one: Seen) -> str:
    lines = [f"{one.name}: {one.reason}", *(f"  | {line}" for line in one.log_tail)]
    return "\n".join(lines)


def _partitions(rows: "Sequence[Partition]") -> str:
    heads = ("TOPIC", "PARTITION", "LEADER", "FOLLOWERS", "IN SYNC")
    return table(
        [
            (
                row.topic,
                row.partition,
                "none" if row.leader < 0 else row.leader,
                ",".join(map(str, row.followers)),
                ",".join(map(str, row.in_sync)),
            )
            for row in rows
        ],
        heads,
    )


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
