"""What `causeway events follow` asks for, and what it does with a record that nobody can read."""

from collections.abc import AsyncIterator

import grpc
import pytest

from causeway.bridge.v1 import event_service_pb2 as pb
from client.errors import CallFailed, failed
from stack.audit.following import readable, subscription
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


class Log:
    """Offers events 0, 1, ... of which these can't be read; a token is the next one's number."""

    def __init__(self, size: int, unreadable: set[int], *, tells: bool = True) -> None:
        self._size, self._unreadable, self._tells = size, unreadable, tells
        self.opened = 0

    def subscribe(self, request: pb.SubscribeEventsRequest) -> "Subscription":
        self.opened += 1
        return Subscription(self._answers(int(request.resume_token or 0)))

    async def _answers(self, at: int) -> AsyncIterator[pb.SubscribeEventsResponse]:
        for number in range(at, self._size):
            token = str(number + 1)
            if number in self._unreadable:
                if self._tells:
                    answer = pb.SubscribeEventsResponse(resume_token=token)
                    answer.heartbeat.SetInParent()
                    yield answer
                raise failed("/x/SubscribeEvents", grpc.StatusCode.DATA_LOSS, f"t/0/{number}")
            answer = pb.SubscribeEventsResponse(resume_token=token)
            answer.event.name = f"events/{number}"
            yield answer


class Subscription:
    """One stream of it."""

    def __init__(self, answers: AsyncIterator[pb.SubscribeEventsResponse]) -> None:
        self._answers = answers

    def __aiter__(self) -> AsyncIterator[pb.SubscribeEventsResponse]:
        return self._answers

    def cancel(self) -> bool:
        return True


async def names(log: Log) -> list[str]:
    following = readable(log.subscribe, pb.SubscribeEventsRequest(topics=["t"]))
    return [event.name async for event in following]


async def test_records_that_nobody_can_read_are_named_and_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await names(Log(5, {1, 2, 4})) == ["events/0", "events/3"]
    told = capsys.readouterr().err.splitlines()
    assert told == ["passed over: t/0/1", "passed over: t/0/2", "passed over: t/0/4"]


@pytest.mark.parametrize("bad", [0, 1])
async def test_an_unreadable_record_without_a_way_past_it_ends_it(bad: int) -> None:
    log = Log(2, {bad}, tells=False)
    with pytest.raises(CallFailed):
        await names(log)
    assert log.opened == 1 + bad
