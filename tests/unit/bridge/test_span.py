"""Reading stretches of the log: what comes on, and what is said where nothing does."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from bridge.errors import Unavailable
from bridge.kafka import span
from bridge.kafka.record import Partition
from bridge.kafka.span import Span

ONE, TWO = Partition("orders", 0), Partition("orders", 1)


class Log:
    """A client that stands where `position` says after a poll that gave `records`."""

    def __init__(self, records: dict[Partition, list[int]], at: dict[Partition, int]) -> None:
        self._records = records
        self._at = at

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at.setdefault(Partition(*partition), offset)

    async def position(self, partition: TopicPartition) -> int:
        return self._at[Partition(*partition)]

    async def getmany(self, *partitions: TopicPartition, **_limits: int) -> dict[Any, Any]:
        await asyncio.sleep(0.01)
        return {
            one: [SimpleNamespace(offset=offset) for offset in self._records[Partition(*one)]]
            for one in partitions
            if Partition(*one) in self._records
        }


def reading(records: dict[Partition, list[int]], at: dict[Partition, int]) -> Span:
    return Span(cast(AIOKafkaConsumer, Log(records, at)), [ONE, TWO])


async def test_marks_at_the_end_are_passed_although_no_record_comes() -> None:
    _, after = await reading({}, {ONE: 7, TWO: 3}).read({ONE: 5, TWO: 3}, {ONE: 7, TWO: 3}, 10)
    assert after == {ONE: 7, TWO: 3}


async def test_marks_after_the_last_record_are_passed_with_it() -> None:
    records, after = await reading({ONE: [5]}, {ONE: 9}).read({ONE: 5}, {ONE: 7}, 10)
    assert ([record.offset for record in records], after) == ([5], {ONE: 7})


async def test_a_log_that_does_not_come_on_is_said_to_be_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck = reading({}, {ONE: 5, TWO: 3})
    at, ends = {ONE: 5, TWO: 3}, {ONE: 7, TWO: 3}
    assert await stuck.read(at, ends, 10) == ([], at)
    for _ in range(3):
        assert await stuck.read(at, ends, 10) == ([], at)
    monkeypatch.setattr(span, "PATIENCE", 0.02)
    with pytest.raises(Unavailable, match=r"of: orders/0$") as caught:
        await stuck.read(at, ends, 10)
    assert (caught.value.reason, caught.value.retriable) == ("LOG_UNREADABLE", True)


async def test_a_partition_that_comes_on_keeps_up_the_patience_with_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(span, "PATIENCE", 0.05)
    half = reading({}, {ONE: 5, TWO: 9})
    for _ in range(20):
        _, after = await half.read({ONE: 5, TWO: 3}, {ONE: 7, TWO: 9}, 10)
    assert after == {ONE: 5, TWO: 9}
