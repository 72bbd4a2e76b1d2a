"""How records become batches, and where each record of a batch stands."""

import asyncio
import gc
from dataclasses import dataclass

import pytest

from bridge.kafka.batches import Placed, Sent, batched
from bridge.kafka.errors import KafkaError
from bridge.kafka.partitioner import partition_of
from bridge.kafka.record import Ack, Headers, Outgoing


class Fits:
    """A batch of at most two records, as the client's builder behaves: the first always fits."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Headers
    ) -> object | None:
        if len(self.values) == 2:
            return None
        self.values.append(value)
        return self


@dataclass
class First:
    offset: int


def records(*keys: str) -> list[Outgoing]:
    return [Outgoing("t", key.encode(), b"%d" % at, []) for at, key in enumerate(keys)]


def acknowledged(first: int) -> "asyncio.Future[Placed]":
    future: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
    future.set_result(First(first))
    return future


def test_records_of_a_key_stay_in_order_over_batches() -> None:
    found = batched(records("a", "a", "b", "a", "a", "a"), {"t": 3}, Fits)
    one_key = [batch.indexes for batch in found if batch.where.partition == partition_of(b"a", 3)]
    assert one_key == [[0, 1], [3, 4], [5]]
    assert sorted(index for batch in found for index in batch.indexes) == list(range(6))


def test_a_record_goes_to_the_partition_of_its_key_and_topic() -> None:
    other = Outgoing("other", b"a", b"", [])
    found = batched([*records("a"), other], {"t": 3, "other": 1}, Fits)
    places = [tuple(batch.where) for batch in found]
    assert places == [("t", partition_of(b"a", 3)), ("other", 0)]


async def test_each_record_gets_the_offset_that_follows_from_its_batch() -> None:
    batches = batched(records("a", "a", "a"), {"t": 1}, Fits)
    sent = Sent(batches, [acknowledged(10), acknowledged(40)])
    assert await sent.places() == [Ack("t", 0, 10), Ack("t", 0, 11), Ack("t", 0, 40)]


async def test_an_acknowledgement_without_an_offset_is_none() -> None:
    sent = Sent(batched(records("a"), {"t": 1}, Fits), [acknowledged(-1)])
    with pytest.raises(KafkaError):
        await sent.places()


async def test_a_failure_is_told_while_another_batch_is_still_on_its_way() -> None:
    failed: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
    pending: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
    sent = Sent(batched(records("a", "a", "a"), {"t": 1}, Fits), [pending, failed])
    failed.set_exception(KafkaError("gone"))
    with pytest.raises(KafkaError, match="gone"):
        await sent.places()


async def test_what_is_forgotten_leaves_no_unseen_error() -> None:
    loop = asyncio.get_running_loop()
    unseen: list[object] = []
    loop.set_exception_handler(lambda _, context: unseen.append(context))
    failed: asyncio.Future[Placed] = loop.create_future()
    pending: asyncio.Future[Placed] = loop.create_future()
    failed.set_exception(KafkaError("gone"))
    sent = Sent(batched(records("a", "a", "a"), {"t": 1}, Fits), [failed, pending])
    await asyncio.sleep(0)
    sent.forget()
    await asyncio.sleep(0)
    del sent, failed, pending
    gc.collect()
    assert unseen == []
