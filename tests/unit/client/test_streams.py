from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from causeway.orders.v1.order_service_pb2 import Order, WatchOrderResponse
from client import streams
from client.errors import CallFailed
from client.streams import resume

Ending = grpc.StatusCode | None


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.001)


class Source:
    """Gives these versions in each stream, then ends it so; remembers the tokens it was given."""

    def __init__(self, *script: tuple[list[int], Ending]) -> None:
        self._script = list(script)
        self.tokens: list[str] = []

    async def open(self, token: str) -> AsyncIterator[WatchOrderResponse]:
        self.tokens.append(token)
        versions, ending = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        for version in versions:
            yield WatchOrderResponse(order=Order(etag=str(version)), resume_token=f"t{version}")
        if ending is not None:
            raise CallFailed("/causeway.orders.v1.OrderService/WatchOrder", ending, "over")


async def versions(source: Source) -> list[int]:
    return [int(answer.order.etag) async for answer in resume(source.open)]


AWAY = grpc.StatusCode.UNAVAILABLE
NO_TOKEN = grpc.StatusCode.UNAUTHENTICATED


async def test_a_broken_stream_goes_on_where_it_was() -> None:
    source = Source(([1, 2], AWAY), ([], AWAY), ([3], NO_TOKEN), ([4], None))
    assert await versions(source) == [1, 2, 3, 4]
    assert source.tokens == ["", "t2", "t2", "t3"]


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
    assert len(source.tokens) <= streams.TRIES
