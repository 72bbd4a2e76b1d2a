"""What a process measures of its subscribers."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from bridge import metrics
from bridge.metrics import Readings
from bridge.subscribe.subscriber import Subscriber
from bridge.subscribe.tail import Tail
from bridge.subscribe.wanted import Wanted
from bridge.subscribe.window import Window
from tests.unit.subscribe.logged import CATALOG, TOPIC


async def test_the_open_subscriptions_are_a_gauge(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Callable[[], Readings]] = {}

    def observe(name: str, unit: str, description: str, read: Callable[[], Readings]) -> None:
        offered[name] = read

    monkeypatch.setattr(metrics, "observe", observe)
    nobodys: Any = None  # it stops before it connects
    tail = Tail(nobodys, CATALOG, Window())
    stop = asyncio.Event()
    stop.set()
    await tail.run(stop)
    read = offered["causeway.subscribers"]
    assert read() == [(0, {})]
    with ExitStack() as open_:
        for _ in range(3):
            open_.enter_context(tail.feeding(Subscriber(Wanted((TOPIC,)), {})))
        assert read() == [(3, {})]
    assert read() == [(0, {})]
