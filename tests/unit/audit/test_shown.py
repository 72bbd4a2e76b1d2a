"""What a person sees of events, dead letters and replays."""

import json

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from causeway.bridge.v1 import event_pb2
from causeway.bridge.v1 import operations_service_pb2 as pb
from causeway.orders.v1 import events_pb2 as orders
from stack.audit.event_text import as_json, event_text, events_text
from stack.audit.letter_text import letter_text, letters_text, next_try
from stack.audit.replay_text import planned_text, replay_text, replays_text

NOON = Timestamp(seconds=1795694400)


def event(**changes: object) -> event_pb2.Event:
    found = event_pb2.Event(
        name="events/e1",
        type="causeway.orders.v1.OrderConfirmed",
        source="/causeway/orders",
        subject="orders/o1",
        key="o1",
        sequence=2,
        time=NOON,
        correlation="c-1",
        topic="causeway.orders.v1",
        partition=1,
        offset=7,
    )
    found.data.Pack(orders.OrderConfirmed(order_id="o1", customer="users/u1"))
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_events_are_a_line_each() -> None:
    head, line = events_text([event()]).splitlines()
    assert head.split() == ["TIME", "TYPE", "SUBJECT", "VERSION", "KAFKA", "EVENT"]
    assert line.split() == [
        "2026-11-26", "12:00:00.000", "OrderConfirmed", "orders/o1", "2",
        "causeway.orders.v1/1/7", "e1",
    ]  # fmt: skip
    assert events_text([]) == "no event matches"


def test_one_event_is_shown_with_its_data() -> None:
    told, data = event_text(event()).split("\n\n")
    assert "caused by    a request" in told
    assert json.loads(data)["orderId"] == "o1"
    assert "caused by    events/e0" in event_text(event(causation="e0"))


def test_data_of_a_type_that_is_not_known_here_is_shown_as_bytes() -> None:
    strange = event()
    strange.data.CopyFrom(AnyMessage(type_url="type.googleapis.com/shop.v1.Sold", value=b"\x08"))
    assert as_json(strange)["data"] == {
        "@type": "type.googleapis.com/google.protobuf.BytesValue",
        "value": "CA==",
    }
    assert strange.data.value == b"\x08"


def letter(**changes: object) -> pb.DeadLetter:
    found = pb.DeadLetter(
        name="deadLetters/users-17",
        group="causeway.users.credit",
        event=event(),
        reason="UNKNOWN_SKU",
        attempts=3,
        park_time=NOON,
        stack_digest="abc ValueError at services.users.handlers:reserve:31",
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_dead_letters_are_a_line_each_with_the_name_to_give_back() -> None:
    line = letters_text([letter()]).splitlines()[1].split()
    assert line[2:] == [
        "causeway.users.credit", "o1", "OrderConfirmed", "UNKNOWN_SKU", "3", "on", "redrive",
        "users-17",
    ]  # fmt: skip
    assert letters_text([]) == "no event is parked"


def test_when_a_dead_letter_is_tried_again_is_told() -> None:
    assert next_try(letter()) == "on redrive"
    assert next_try(letter(reason="KEY_PARKED", attempts=0)) == "after its key"
    due = letter()
    due.next_attempt_time.CopyFrom(NOON)
    assert next_try(due) == "2026-11-26 12:00:00.000"
    due.redrive_time.CopyFrom(NOON)
    assert next_try(due) == "now"
    due.discard_time.CopyFrom(NOON)
    assert next_try(due) == "given up"


def test_one_dead_letter_shows_where_it_failed_and_the_event() -> None:
    told = letter_text(letter())
    assert "failed at    abc ValueError at services.users.handlers:reserve:31" in told
    assert '"orderId": "o1"' in told


def test_a_record_that_can_not_be_decoded_shows_its_first_bytes() -> None:
    broken = letter(raw_value=b"\x00not \xff an event")
    broken.event.ClearField("data")
    broken.event.ClearField("name")
    told = letter_text(broken)
    assert "event        unknown" in told
    assert told.endswith('"\\u0000not \\u00ff an event"')


def replay(**changes: object) -> pb.Replay:
    found = pb.Replay(
        name="replays/r1",
        mode=pb.Replay.MODE_REDELIVER,
        group="causeway.notifications.orders",
        origin=pb.Replay.ORIGIN_KAFKA,
        types=["causeway.orders.v1.OrderShipped"],
        state=pb.Replay.STATE_RUNNING,
        events_total=1000,
        events_done=120,
        create_time=NOON,
        update_time=NOON,
        actor="users/root",
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_a_replay_shows_what_it_does_and_how_far_it_is() -> None:
    told = replay_text(replay())
    assert "mode      redeliver from the log on Kafka" in told
    assert "events    of causeway.orders.v1.OrderShipped" in told
    assert "effects   none: nothing is mailed or posted again" in told
    assert "state     running, 120 of 1,000 events" in told
    assert "error" not in told
    assert "error     BOOM" in replay_text(replay(error="BOOM"))


def test_a_replay_whose_size_nobody_knows_says_what_was_done() -> None:
    assert "running, 120 events\n" in replay_text(replay(events_total=0))
    assert "120/?" in replays_text([replay(events_total=0)])
    # Counted before others came to it.
    assert "running, 120 events\n" in replay_text(replay(events_total=100))


def test_replays_are_a_line_each() -> None:
    line = replays_text([replay()]).splitlines()[1].split()
    assert line[2:] == [
        "redeliver", "causeway.notifications.orders", "running", "120/1000", "r1",
    ]  # fmt: skip
    assert replays_text([]) == "there was no replay yet"


def test_a_plan_says_how_many_events_and_that_nothing_was_done() -> None:
    told = planned_text(replay(name="", state=0))
    assert told.startswith("would hand 1,000 events from the log on Kafka to")
    assert "nothing would be mailed or posted again" in told
    assert told.endswith("nothing was done")
