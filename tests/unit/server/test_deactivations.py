"""A log that is shorter than what was read of it is another one, and read from its beginning."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.kafka.record import Partition
from bridge.kafka.settings import KafkaSettings
from bridge.kafka.span import Offsets
from bridge.server import deactivations
from bridge.server.deactivations import Deactivations

ONE = Partition("users", 0)


class Log:
    """Plays the one partition of a topic; `keys` are those of its records."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)

    @asynccontextmanager
    async def open_span(self, *_: Any) -> AsyncIterator["Log"]:
        yield self

    async def starts(self, since: datetime) -> Offsets:
        return {ONE: 0}

    async def ends(self) -> Offsets:
        return {ONE: len(self.keys)}

    async def read(self, at: Offsets, ends: Offsets, most: int) -> tuple[list[Any], Offsets]:
        headers = [("ce_type", b"an.Event")]
        records = [SimpleNamespace(key=key.encode(), headers=headers) for key in self.keys]
        return records[at[ONE] : ends[ONE]], dict(ends)


async def test_a_topic_that_was_made_anew_is_followed_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, stop = Log("a", "b", "c"), asyncio.Event()
    monkeypatch.setattr(deactivations, "open_span", log.open_span)
    monkeypatch.setattr(deactivations, "LOOK", 0.01)
    monkeypatch.setattr(deactivations, "RETRY", 0.01)
    follower = Deactivations(KafkaSettings(bootstrap=""), "users", "an.Event", 300)
    running = asyncio.create_task(follower.run(stop))
    assert await comes_to_bar(follower, "c")
    log.keys = ["d"]
    assert await comes_to_bar(follower, "d")
    stop.set()
    await running


async def comes_to_bar(follower: Deactivations, key: str) -> bool:
    for _ in range(300):
        if follower.barred.bars(key):
            return True
        await asyncio.sleep(0.01)
    return False
