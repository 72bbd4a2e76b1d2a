"""What a replay may ask for."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import CausewayError, FailedPrecondition, InvalidArgument
from bridge.replay.request import Group, Request
from bridge.replay.rules import check
from bridge.store.reading import Selection

GROUP = Group("g", ("t",), ("a.A", "a.B"), ("rows",), ("email",), live=True, inbox_start_time=None)
NOW = datetime(2026, 11, 26, tzinfo=UTC)

REFUSED = {
    "an unknown mode": (GROUP, Request("again", "g"), InvalidArgument, "UNKNOWN_MODE"),
    "an unknown origin": (
        GROUP,
        Request("rebuild", "g", origin="disk"),
        InvalidArgument,
        "UNKNOWN_ORIGIN",
    ),
    "a type that the group does not handle": (
        GROUP,
        Request("backfill", "g", selection=Selection(types=("a.C",))),
        InvalidArgument,
        "UNKNOWN_TYPE",
    ),
    "an effect that the group does not have": (
        GROUP,
        Request("backfill", "g", effects=("fax",)),
        InvalidArgument,
        "UNKNOWN_EFFECT",
    ),
    "positions of Kafka": (
        GROUP,
        Request("backfill", "g", "kafka", Selection(start_position=1)),
        InvalidArgument,
        "POSITION_WITHOUT_STORE",
    ),
    "a time before any event": (
        GROUP,
        Request("backfill", "g", selection=Selection(start_time=datetime.min.replace(tzinfo=UTC))),
        InvalidArgument,
        "INVALID_TIME",
    ),
    "an empty span of time": (
        GROUP,
        Request("backfill", "g", selection=Selection(start_time=NOW, end_time=NOW)),
        InvalidArgument,
        "EMPTY_RANGE",
    ),
    "an empty span of positions": (
        GROUP,
        Request("backfill", "g", selection=Selection(start_position=5, end_position=4)),
        InvalidArgument,
        "EMPTY_RANGE",
    ),
    "a rebuild of what is no projection": (
        replace(GROUP, tables=()),
        Request("rebuild", "g"),
        FailedPrecondition,
        "NOT_A_PROJECTION",
    ),
    "a rebuild from a part of the events": (
        GROUP,
        Request("rebuild", "g", selection=Selection(types=("a.A",))),
        InvalidArgument,
        "REBUILD_IS_WHOLE",
    ),
    "a rebuild that sends mails": (
        GROUP,
        Request("rebuild", "g", effects=("email",)),
        InvalidArgument,
        "REBUILD_HAS_NO_EFFECTS",
    ),
    "a rebuild of a running group from the store": (
        GROUP,
        Request("rebuild", "g", origin="store"),
        FailedPrecondition,
        "ORIGIN_NOT_ALLOWED",
    ),
    "a rebuild of a group without members from Kafka": (
        replace(GROUP, live=False),
        Request("rebuild", "g", origin="kafka"),
        FailedPrecondition,
        "ORIGIN_NOT_ALLOWED",
    ),
    "a backfill of a group without members": (
        replace(GROUP, live=False),
        Request("backfill", "g"),
        FailedPrecondition,
        "NOT_LIVE",
    ),
    "a redelivery of everything": (
        GROUP,
        Request("redeliver", "g"),
        InvalidArgument,
        "NOTHING_CHOSEN",
    ),
}


@pytest.mark.parametrize(
    ("group", "request_", "kind", "reason"), REFUSED.values(), ids=REFUSED.keys()
)
def test_a_replay_is_refused_with_a_reason_of_its_own(
    group: Group, request_: Request, kind: type[CausewayError], reason: str
) -> None:
    with pytest.raises(kind) as refused:
        check(group, request_)
    assert refused.value.reason == reason
    assert not refused.value.retriable


ALLOWED = {
    "a rebuild": (GROUP, Request("rebuild", "g")),
    "a rebuild from Kafka": (GROUP, Request("rebuild", "g", "kafka")),
    "a rebuild of a group without members": (replace(GROUP, live=False), Request("rebuild", "g")),
    "a backfill with mails": (GROUP, Request("backfill", "g", effects=("email",))),
    "one event again": (
        GROUP,
        Request("redeliver", "g", "store", Selection(start_position=5, end_position=5)),
    ),
}


@pytest.mark.parametrize(("group", "request_"), ALLOWED.values(), ids=ALLOWED.keys())
def test_a_replay_that_makes_sense_is_allowed(group: Group, request_: Request) -> None:
    check(group, request_)
