"""What `causeway events follow` asks for."""

import pytest

from causeway.bridge.v1 import event_service_pb2 as pb
from stack.audit.following import subscription
from stack.errors import StackError

EVERYTHING = [f"causeway.{area}.v1" for area in ("inventory", "notifications", "orders", "users")]


def test_without_a_word_everything_is_followed_from_now_on() -> None:
    assert subscription((), (), None, first=False) == pb.SubscribeEventsRequest(topics=EVERYTHING)


def test_a_type_says_its_topic() -> None:
    asked = subscription(["OrderCreated"], ["o-1"], None, first=True)
    assert asked == pb.SubscribeEventsRequest(
        topics=["causeway.orders.v1"],
        types=["causeway.orders.v1.OrderCreated"],
        keys=["o-1"],
        position=pb.START_POSITION_EARLIEST,
    )


def test_an_age_is_a_time_to_begin_at() -> None:
    assert subscription((), (), "10m", first=False).HasField("time")


@pytest.mark.parametrize("words", [(["OrderCrated"], None), ([], "a while")])
def test_what_is_no_type_or_no_time_is_told(words: tuple[list[str], str | None]) -> None:
    with pytest.raises(StackError):
        subscription(words[0], (), words[1], first=False)


def test_two_places_to_begin_are_one_too_many() -> None:
    with pytest.raises(StackError, match="two places"):
        subscription((), (), "10m", first=True)
