"""An event and what it caused, as a tree of bounded size: pure, over rows of `family`."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bridge.api.listing import Row
from causeway.bridge.v1 import event_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a tree may become."""

    events: int = 500
    depth: int = 24
    """Levels. Each is a message within a message, which readers limit; so many pass the edge."""
    data: int = 2_000_000
    """Bytes of the events' data."""


BOUNDS = Bounds()
Make = Callable[[Row], pb.TraceEventResponse]


def tree(
    root: Row, family: Iterable[Row], make: Make, bounds: Bounds = BOUNDS
) -> tuple[pb.TraceEventResponse, dict[str, pb.TraceEventResponse]]:
    """The trace of `root`, and each of its nodes by event id.

    Grows level by level, so that what is left out is what is furthest away; a node that lacks
    some of its children says `truncated`. An event stands in the tree once, whatever it claims
    to be caused by.
    """
    caused = _by_cause(family)
    top = make(root)
    nodes = {root["event_id"]: top}
    size = root["size"]
    waiting = deque([(root["event_id"], top, 1)])
    while waiting:
        event_id, node, depth = waiting.popleft()
        for row in caused.get(event_id, ()):
            if row["event_id"] in nodes:
                continue
            size += row["size"]
            if len(nodes) >= bounds.events or depth >= bounds.depth or size > bounds.data:
                node.truncated = True
                break
            child = node.caused.add()
            child.CopyFrom(make(row))
            nodes[row["event_id"]] = child
            waiting.append((row["event_id"], child, depth + 1))
    return top, nodes


def _by_cause(family: Iterable[Row]) -> Mapping[str, list[Row]]:
    """Events by the id of the event that caused them, the oldest first."""
    caused: dict[str, list[Row]] = {}
    for row in sorted(family, key=lambda row: (row["time"], row["place"])):
        if row["causation_id"]:
            caused.setdefault(row["causation_id"], []).append(row)
    return caused
