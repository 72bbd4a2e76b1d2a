"""A trace as a tree: each event with where it went, what each consumer did, and what followed."""

from collections.abc import Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from causeway.bridge.v1 import event_service_pb2 as pb
from stack.audit.event_text import cause, place, short
from stack.audit.moments import elapsed, shown

MARKS = {
    pb.Outcome.STATE_HANDLED: "✓",
    pb.Outcome.STATE_PENDING: "…",
    pb.Outcome.STATE_PARKED: "✗",
    pb.Outcome.STATE_DISCARDED: "✗",
}
SENT = {pb.Delivery.STATE_SENT: "✓", pb.Delivery.STATE_PENDING: "…"}


def trace_text(trace: pb.TraceEventResponse) -> str:
    """The whole tree, a line a fact. Times after the first are how long after its event."""
    return "\n".join((*_beginning(trace), *_node(trace, trace.event.time)))


def _beginning(trace: pb.TraceEventResponse) -> Iterator[str]:
    """Who began it: the same for all of the tree."""
    yield f"who      {trace.actor or 'unknown'}" + (f" by {trace.client}" if trace.client else "")
    if trace.method:
        yield f"called   {trace.method}"
    if trace.request_id:
        yield f"request  {trace.request_id}"
    if because := cause(trace.event):
        yield f"because  {because}"
    yield f"at       {shown(trace.event.time)} UTC, correlation {trace.event.correlation}"
    yield ""


def _node(trace: pb.TraceEventResponse, begin: Timestamp) -> list[str]:
    event = trace.event
    after = "" if event.time == begin else f"  {elapsed(begin, event.time)}"
    branches = [_node(child, begin) for child in trace.caused]
    if trace.truncated:
        branches.append([f"more: causeway events list --correlation {event.correlation}"])
    bar = "│ " if branches else "  "
    return [
        f"{short(event.type)}  {event.subject} v{event.sequence}{after}  {event.name}",
        *(bar + fact for fact in _facts(trace)),
        *_joined(branches),
    ]


def _joined(branches: Sequence[Sequence[str]]) -> Iterator[str]:
    """Each branch with its part of the tree's lines in front."""
    for number, (first, *rest) in enumerate(branches, start=1):
        last = number == len(branches)
        yield f"{'└' if last else '├'}─ {first}"
        for line in rest:
            yield f"{' ' if last else '│'}  {line}"


def _facts(trace: pb.TraceEventResponse) -> Iterator[str]:
    published = ""
    if trace.HasField("publish_time"):
        published = f"  noted {elapsed(trace.event.time, trace.publish_time)}"
    yield f"kafka  {place(trace.event)}{published}"
    width = max((len(outcome.group) for outcome in trace.outcomes), default=0)
    for outcome in trace.outcomes:
        mark = MARKS.get(outcome.state, "?")
        yield f"{mark} {outcome.group:<{width}}  {_outcome(trace, outcome)}"
    for delivery in trace.deliveries:
        mark = SENT.get(delivery.state, "✗")
        yield f"{mark} {delivery.effect} to {delivery.recipient}  {_delivery(trace, delivery)}"


def _outcome(trace: pb.TraceEventResponse, outcome: pb.Outcome) -> str:
    word = pb.Outcome.State.Name(outcome.state).removeprefix("STATE_").lower()
    facts = ["not known any more" if word == "unspecified" else word]
    facts += _tries(outcome.attempts, outcome.reason)
    if outcome.HasField("time"):
        facts.append(elapsed(trace.event.time, outcome.time))
    if outcome.replay:
        facts.append(f"by {outcome.replay}")
    return "  ".join(facts)


def _delivery(trace: pb.TraceEventResponse, delivery: pb.Delivery) -> str:
    word = pb.Delivery.State.Name(delivery.state).removeprefix("STATE_").lower()
    facts = [word, *_tries(delivery.attempts, delivery.reason)]
    return "  ".join([*facts, elapsed(trace.event.time, delivery.time)])


def _tries(attempts: int, reason: str) -> Sequence[str]:
    """How often, where it is more than once or not well; and why."""
    told = [reason] if reason else []
    if attempts > 1 or (reason and attempts):
        told.append(f"{attempts} attempt{'s' if attempts > 1 else ''}")
    return told
