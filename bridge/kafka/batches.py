"""Records as batches, one partition each, and where the brokers put them.

aiokafka's `send` makes a future for every record and looks its partition up; a batch has one
future, and its records have the offsets that follow from its first.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bridge.kafka.errors import KafkaError
from bridge.kafka.partitioner import partition_of
from bridge.kafka.record import Ack, Headers, Outgoing, Partition


class Builder(Protocol):
    """aiokafka's `BatchBuilder`, as far as we use it."""

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Headers
    ) -> object | None:
        """Add a record; None if it does not fit. The first always does."""


class Placed(Protocol):
    """What the brokers say of an acknowledged batch."""

    @property
    def offset(self) -> int:
        """Offset of the first record."""


class Batch:
    """Records of one partition, in order. `indexes` say which of the page they are."""

    __slots__ = ("append", "builder", "indexes", "where")

    def __init__(self, where: Partition, builder: Builder) -> None:
        self.where = where
        self.builder = builder
        self.append = builder.append
        self.indexes: list[int] = []


def batched(
    records: Sequence[Outgoing], partitions: Mapping[str, int], create: Callable[[], Builder]
) -> list[Batch]:
    """Put records into batches, in the order in which the batches must be sent.

    `partitions` says how many each topic has; `create` makes an empty batch of limited size.
    """
    found: list[Batch] = []
    filling: dict[tuple[str, int], Batch] = {}
    for index, (topic, key, value, headers) in enumerate(records):
        where = (topic, partition_of(key, partitions[topic]))
        batch = filling.get(where)
        if batch is None or (
            batch.append(timestamp=None, key=key, value=value, headers=headers) is None
        ):
            batch = filling[where] = Batch(Partition(*where), create())
            # The first always fits, however large it is.
            batch.append(timestamp=None, key=key, value=value, headers=headers)
            found.append(batch)
        batch.indexes.append(index)
    return found


class Sent:
    """Records that were handed to the client, and their places when the brokers have them."""

    def __init__(
        self, batches: Sequence[Batch], futures: Sequence["asyncio.Future[Placed]"]
    ) -> None:
        """`futures` end with what the brokers say of each batch."""
        self._batches = batches
        self._futures = futures
        self._left = len(futures)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends, never with an error, when all are acknowledged or at the first failure."""
        for future in futures:
            future.add_done_callback(self._end)
        if not futures:
            self.done.set_result(None)

    async def places(self) -> list[Ack]:
        """Wait until the brokers have all of it: a place a record, in the order of the records."""
        await self.done
        for future in self._futures:
            if future.done():
                future.result()  # the first failure is raised, whatever is still on its way
        return self._places([future.result() for future in self._futures])

    def forget(self) -> None:
        """Give up waiting, so that nobody misses the errors of what was abandoned."""
        for future in self._futures:
            future.cancel()

    def _end(self, future: "asyncio.Future[Placed]") -> None:
        self._left -= 1
        failed = future.cancelled() or future.exception() is not None
        if (failed or not self._left) and not self.done.done():
            self.done.set_result(None)

    def _places(self, firsts: Sequence[Placed]) -> list[Ack]:
        found: dict[int, Ack] = {}
        for batch, first in zip(self._batches, firsts, strict=True):
            topic, partition = batch.where
            # A broker that has forgotten where a repeated batch stands says -1.
            if first.offset < 0:
                raise KafkaError(f"{topic}/{partition}: acknowledged without an offset")
            for offset, index in enumerate(batch.indexes, start=first.offset):
                found[index] = Ack(topic, partition, offset)
        return [found[index] for index in range(len(found))]
