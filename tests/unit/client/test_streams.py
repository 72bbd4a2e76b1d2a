import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import ErrorInfo

from causeway.bridge.v1.event_service_pb2 import (
    START_POSITION_EARLIEST,
    SubscribeEventsRequest,
    SubscribeEventsResponse,
)
from causeway.orders.v1.order_service_pb2 import Order, WatchOrderRequest, WatchOrderResponse
from client import streams
from client.errors import CallFailed, Unavailable, failed
from client.platform import Platform
from client.streams import Patience, follow
from tests.unit.client.fakes import Script, serving

Ending = grpc.StatusCode | None
Versions = Sequence[int | None]
AWAY = grpc.StatusCode.UNAVAILABLE
RESET = grpc.StatusCode.INTERNAL
NO_TOKEN = grpc.StatusCode.UNAUTHENTICATED
REQUEST = WatchOrderRequest(name="orders/1")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(streams, "PATIENCE", 0.1)


class Opened:
    """One stream: these versions (0 is a sign of life, -1 silence), then this ending.

    None is a sign of life of a server that does not know the place yet.
    """

    def __init__(self, versions: Versions, ending: Ending) -> None:
        self._versions = versions
        self._ending = ending
        self.cancelled = False

    async def __aiter__(self) -> AsyncIterator[WatchOrderResponse]:
        for version in self._versions:
            if version is not None and version < 0:
                await asyncio.sleep(60)
            answer = WatchOrderResponse(resume_token="" if version is None else f"t{version}")
            if version:
                answer.order.CopyFrom(Order(etag=str(version)))
            else:
                answer.heartbeat.SetInParent()
            yield answer
        if self._ending is not None:
            raise failed("/causeway.orders.v1.OrderService/WatchOrder", self._ending, "over")

    def cancel(self) -> bool:
        self.cancelled = True
        return True


class Source:
    """Opens these streams, the last one again and again; remembers what it was asked."""

    def __init__(self, *script: tuple[Versions, Ending]) -> None:
        self._script = list(script)
        self.tokens: list[str] = []
        self.opened: list[Opened] = []

    def open(self, request: WatchOrderRequest) -> Opened:
        assert request.name == "orders/1"
        self.tokens.append(request.resume_token)
        versions, ending = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self.opened.append(Opened(versions, ending))
        return self.opened[-1]


async def versions(source: Source, silence: float = 5.0) -> list[int]:
    following = follow(source.open, REQUEST, silence=silence)
    return [int(answer.order.etag) async for answer in following]


async def test_a_broken_stream_goes_on_where_it_was() -> None:
    source = Source(([1, 2], AWAY), ([], RESET), ([3], NO_TOKEN), ([4], None))
    assert await versions(source) == [1, 2, 3, 4]
    assert source.tokens == ["", "t2", "t2", "t3"]
    assert REQUEST.resume_token == "", "the caller's message is its own"


async def test_signs_of_life_are_not_shown_and_their_tokens_count() -> None:
    source = Source(([1, 0], AWAY), ([2], None))
    assert await versions(source) == [1, 2]
    assert source.tokens == ["", "t0"]


async def test_a_sign_of_life_without_a_token_is_no_place() -> None:
    source = Source(([1, None], AWAY), ([None, 2], None))
    assert await versions(source) == [1, 2]
    assert source.tokens == ["", "t1"]


async def test_what_ends_it_has_the_token_that_goes_on_behind_a_record_nobody_can_read() -> None:
    lost = grpc.StatusCode.DATA_LOSS
    source = Source(([1, 0], lost), ([2], None))
    with pytest.raises(CallFailed) as caught:
        await versions(source)
    assert (caught.value.code, caught.value.resume_token) == (lost, "t0")
    request = WatchOrderRequest(name="orders/1", resume_token=caught.value.resume_token)
    assert [answer.order.etag async for answer in follow(source.open, request)] == ["2"]
    assert source.tokens == ["", "t0"]


async def test_a_silent_stream_is_given_up_and_resumed() -> None:
    source = Source(([1, -1], None), ([2], None))
    assert await versions(source, silence=0.05) == [1, 2]
    assert source.tokens == ["", "t1"]
    assert source.opened[0].cancelled


async def test_streams_that_stay_silent_are_a_failure_that_says_so() -> None:
    with pytest.raises(Unavailable, match=r"WatchOrder: UNAVAILABLE: silent for 0\.01 s"):
        await versions(Source(([-1], None)), silence=0.01)


@pytest.mark.parametrize(
    "script",
    [
        [([], NO_TOKEN)],
        [([1], AWAY), ([], grpc.StatusCode.NOT_FOUND)],
        [([1], NO_TOKEN), ([], NO_TOKEN)],
        [([], AWAY)],
    ],
)
async def test_what_a_new_stream_would_not_mend_is_raised(script: Any) -> None:
    source = Source(*script)
    with pytest.raises(CallFailed):
        await versions(source)
    assert len(source.tokens) < 20


async def test_a_servers_own_internal_error_is_no_break() -> None:
    details = status_pb2.Status()
    details.details.add().Pack(ErrorInfo(reason="INTERNAL"))
    told = failed("/x", RESET, "bad", details.SerializeToString())
    with pytest.raises(CallFailed):
        Patience().wait_after(told)


async def test_a_position_gives_way_to_the_resume_token() -> None:
    asked: list[SubscribeEventsRequest] = []

    class Subscription:
        async def __aiter__(self) -> AsyncIterator[SubscribeEventsResponse]:
            answer = SubscribeEventsResponse(resume_token=f"t{len(asked)}")
            answer.event.name = f"events/{len(asked)}"
            yield answer
            if len(asked) < 2:
                raise failed("/x", AWAY, "over")

        def cancel(self) -> bool:
            return True

    def subscribe(request: SubscribeEventsRequest) -> Subscription:
        asked.append(SubscribeEventsRequest.FromString(request.SerializeToString()))
        return Subscription()

    request = SubscribeEventsRequest(topics=["t"], position=START_POSITION_EARLIEST)
    assert [one.event.name async for one in follow(subscribe, request)] == ["events/1", "events/2"]
    assert asked[0] == request
    assert (asked[1].resume_token, asked[1].position) == ("t1", 0)


async def test_a_stub_is_followed_and_a_silent_server_is_left() -> None:
    script = Script(answer=lambda number: _silence() if number == 1 else _second())
    async with serving(script) as edge, Platform(edge) as causeway:
        following = follow(causeway.orders.WatchOrder, REQUEST, silence=0.3)
        tokens = [answer.resume_token async for answer in following]
    assert tokens == ["1", "1", "2"]
    assert [asked.resume_token for asked, _ in script.calls] == ["", "1"]  # type: ignore[attr-defined]


def _second() -> WatchOrderResponse:
    return WatchOrderResponse(order=Order(name="orders/1"), resume_token="2")


async def _silence() -> WatchOrderResponse:
    await asyncio.sleep(60)
    return WatchOrderResponse()
