"""What became of an event at each consumer, and outside: rows as messages."""

from collections.abc import Iterable, Mapping

from bridge.api.listing import Row
from bridge.timestamps import timestamp
from causeway.bridge.v1 import event_service_pb2 as pb


def tell(
    nodes: Mapping[str, pb.TraceEventResponse],
    outcomes: Iterable[Row],
    consumers: Iterable[Row],
    deliveries: Iterable[Row],
) -> None:
    """Write the outcomes and the deliveries of all stores into the traces of their events.

    A group that consumes an event's type and has no outcome yet has it before it, unless it
    forgot what it did so long ago.
    """
    told: set[tuple[str, str]] = set()
    for row in outcomes:
        nodes[row["event_id"]].outcomes.append(outcome_message(row))
        if not row["replay"]:
            told.add((row["event_id"], row["consumer_group"]))
    for group in consumers:
        for event_id, node in nodes.items():
            if node.event.type in group["types"] and (
                (event_id, group["consumer_group"]) not in told
            ):
                node.outcomes.append(_open(node, group))
    for row in deliveries:
        nodes[row["event_id"]].deliveries.append(delivery_message(row))


def outcome_message(row: Row) -> pb.Outcome:
    """What a group did."""
    return pb.Outcome(
        group=row["consumer_group"],
        state=pb.Outcome.State.Value(f"STATE_{row['state']}"),
        attempts=row["attempts"],
        time=timestamp(row["time"]),
        reason=row["reason"],
        replay=f"replays/{row['replay']}" if row["replay"] else "",
    )


def delivery_message(row: Row) -> pb.Delivery:
    """A mail or the like."""
    return pb.Delivery(
        effect=row["effect"],
        state=pb.Delivery.State.Value(f"STATE_{row['state']}"),
        attempts=row["attempts"],
        time=timestamp(row["time"]),
        reason=row["last_error"],
        recipient=row["recipient"],
    )


def _open(node: pb.TraceEventResponse, group: Row) -> pb.Outcome:
    """No row says what the group did: it is to come, or it is forgotten."""
    name, since = group["consumer_group"], group["inbox_start_time"]
    if since is not None and node.event.time.ToDatetime(since.tzinfo) < since:
        return pb.Outcome(
            group=name, state=pb.Outcome.STATE_UNSPECIFIED, reason="OLDER_THAN_THE_INBOX"
        )
    return pb.Outcome(group=name, state=pb.Outcome.STATE_PENDING)
