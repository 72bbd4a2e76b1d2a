"""A trace is a tree that a person reads: marks, places, attempts, times."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import event_service_pb2 as pb
from stack.audit.trace_text import trace_text

BEGIN = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
OUTCOME, DELIVERY = pb.Outcome, pb.Delivery


def at(milliseconds: int) -> Timestamp:
    time = Timestamp()
    time.FromDatetime(BEGIN + timedelta(milliseconds=milliseconds))
    return time


def node(kind: str, milliseconds: int, **more: Any) -> pb.TraceEventResponse:
    event = event_pb2.Event(
        name=f"events/{kind.lower()}",
        type=f"causeway.orders.v1.{kind}",
        subject="orders/o1",
        sequence=1,
        time=at(milliseconds),
        correlation="c-1",
        topic="causeway.orders.v1",
        partition=2,
        offset=7,
    )
    return pb.TraceEventResponse(event=event, publish_time=at(milliseconds + 12), **more)


def test_the_tree_shows_who_where_and_what_followed() -> None:
    confirmed = node("OrderConfirmed", 115)
    confirmed.event.ClearField("offset")
    confirmed.ClearField("publish_time")
    confirmed.deliveries.append(
        DELIVERY(effect="email", recipient="users/u1", state=DELIVERY.STATE_SENT, attempts=2,
                 time=at(3115))
    )  # fmt: skip
    trace = node(
        "OrderCreated",
        0,
        actor="users/u1",
        client="causeway-cli",
        method="/s/CreateOrder",
        request_id="r-1",
        caused=[node("Reserved", 75, caused=[confirmed]), node("Noted", 80)],
    )
    trace.outcomes.extend(
        [
            OUTCOME(group="causeway.users.credit", state=OUTCOME.STATE_HANDLED, attempts=1,
                    time=at(48)),
            OUTCOME(group="causeway.mail", state=OUTCOME.STATE_PARKED, attempts=3,
                    reason="UNKNOWN_SKU", time=at(5000)),
            OUTCOME(group="causeway.stock", state=OUTCOME.STATE_PENDING),
            OUTCOME(group="causeway.old", reason="OLDER_THAN_THE_INBOX"),
            OUTCOME(group="causeway.mail", state=OUTCOME.STATE_HANDLED, attempts=1,
                    time=at(7_200_000), replay="replays/p1"),
        ]
    )  # fmt: skip
    assert trace_text(trace).splitlines() == [
        "who      users/u1 by causeway-cli",
        "called   /s/CreateOrder",
        "request  r-1",
        "at       2026-11-26 09:30:00.000 UTC, correlation c-1",
        "",
        "OrderCreated  orders/o1 v1  events/ordercreated",
        "│ kafka  causeway.orders.v1/2/7  noted +12 ms",
        "│ ✓ causeway.users.credit  handled  +48 ms",
        "│ ✗ causeway.mail          parked  UNKNOWN_SKU  3 attempts  +5.0 s",
        "│ … causeway.stock         pending",
        "│ ? causeway.old           not known any more  OLDER_THAN_THE_INBOX",
        "│ ✓ causeway.mail          handled  +2 h  by replays/p1",
        "├─ Reserved  orders/o1 v1  +75 ms  events/reserved",
        "│  │ kafka  causeway.orders.v1/2/7  noted +12 ms",
        "│  └─ OrderConfirmed  orders/o1 v1  +115 ms  events/orderconfirmed",
        "│       kafka  not on Kafka yet",
        "│       ✓ email to users/u1  sent  2 attempts  +3.0 s",
        "└─ Noted  orders/o1 v1  +80 ms  events/noted",
        "     kafka  causeway.orders.v1/2/7  noted +12 ms",
    ]


def test_a_tree_that_was_cut_says_how_to_see_the_rest() -> None:
    trace = node("OrderCreated", 0, truncated=True, caused=[node("Noted", 1)])
    assert trace_text(trace).splitlines()[-1] == ("└─ more: causeway events list --correlation c-1")


def test_an_event_that_another_one_caused_says_which() -> None:
    trace = node("Reserved", 0)
    trace.event.causation = "e-0"
    assert "because  events/e-0" in trace_text(trace).splitlines()
