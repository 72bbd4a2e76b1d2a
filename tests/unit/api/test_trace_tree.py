"""A trace is a tree of bounded size that holds each event once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.api.trace_tree import Bounds, tree
from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb

BEGIN = datetime(2026, 11, 26, tzinfo=UTC)


def row(event_id: str, cause: str = "", at: int = 0, size: int = 0) -> dict[str, Any]:
    time = BEGIN + timedelta(seconds=at)
    return {"event_id": event_id, "causation_id": cause, "time": time, "place": at, "size": size}


def make(found: Any) -> pb.TraceEventResponse:
    return pb.TraceEventResponse(event=event_pb2.Event(name=found["event_id"]))


def drawn(node: pb.TraceEventResponse) -> dict[str, Any]:
    return {child.event.name: drawn(child) for child in node.caused}


def test_what_an_event_caused_stands_below_it_the_oldest_first() -> None:
    family = [row("d", "b", 4), row("c", "a", 3), row("b", "a", 2), row("a")]
    top, nodes = tree(row("a"), family, make)
    assert drawn(top) == {"b": {"d": {}}, "c": {}}
    assert [child.event.name for child in top.caused] == ["b", "c"]
    assert set(nodes) == {"a", "b", "c", "d"}
    assert not any(node.truncated for node in nodes.values())


def test_what_caused_an_event_and_its_other_effects_are_left_out() -> None:
    family = [row("a"), row("b", "a", 1), row("c", "a", 2), row("d", "c", 3)]
    assert drawn(tree(row("c", "a", 2), family, make)[0]) == {"d": {}}


def test_events_that_claim_to_cause_each_other_end_in_a_tree_and_not_in_a_loop() -> None:
    family = [row("a", "c"), row("b", "a", 1), row("c", "b", 2), row("d", "d", 3)]
    top, nodes = tree(row("a", "c"), family, make)
    assert drawn(top) == {"b": {"c": {}}}
    assert len(nodes) == 3


def test_a_tree_of_too_many_events_says_where_it_was_cut() -> None:
    family = [row("a"), *(row(f"b{n}", "a", n) for n in range(1, 10)), row("c", "b1", 20)]
    top, nodes = tree(row("a"), family, make, Bounds(events=10))
    assert len(top.caused) == 9
    assert not top.truncated
    assert nodes["b1"].truncated
    assert not nodes["b2"].truncated


def test_a_tree_that_is_too_deep_says_where_it_was_cut() -> None:
    family = [row("0"), *(row(str(n), str(n - 1), n) for n in range(1, 60))]
    top, nodes = tree(row("0"), family, make, Bounds(depth=24))
    assert len(nodes) == 24
    assert [name for name, node in nodes.items() if node.truncated] == ["23"]
    assert drawn(top)


def test_a_tree_of_too_many_bytes_says_where_it_was_cut() -> None:
    family = [row("a"), *(row(f"b{n}", "a", n, 400) for n in range(1, 10))]
    top, _ = tree(row("a"), family, make, Bounds(data=1000))
    assert len(top.caused) == 2
    assert top.truncated
