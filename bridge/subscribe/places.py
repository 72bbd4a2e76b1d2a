"""Where the log begins and ends, for many who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime

from bridge.kafka.onlooker import Onlooker
from bridge.kafka.record import Partition
from bridge.subscribe.readers import Readers

Found = Mapping[Partition, int]


class Places:
    """Asks once for all who ask the same and whose question waits for a connection.

    A question that is under way is joined by nobody: its answer may be older than the asking.
    """

    def __init__(self, readers: Readers, patience: float) -> None:
        self._readers = readers
        self._patience = patience
        self._waiting: dict[Hashable, asyncio.Task[Found]] = {}

    async def starts(self, partitions: Sequence[Partition]) -> Found:
        """Give the first offsets that are still there; Unavailable."""
        some = tuple(partitions)
        return await self._joined(("starts", some), lambda reader: reader.starts(some))

    async def ends(self, partitions: Sequence[Partition]) -> Found:
        """Give the offsets that the next records will get; Unavailable."""
        some = tuple(partitions)
        return await self._joined(("ends", some), lambda reader: reader.ends(some))

    async def since(self, partitions: Sequence[Partition], time: datetime) -> Found:
        """Give the first records that were written at `time` or later; Unavailable."""
        some = tuple(partitions)
        return await self._joined(("since", some, time), lambda reader: reader.since(some, time))

    async def _joined(
        self, key: Hashable, question: Callable[[Onlooker], Awaitable[Found]]
    ) -> Found:
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._ask(key, question))
        return await asyncio.shield(task)

    async def _ask(self, key: Hashable, question: Callable[[Onlooker], Awaitable[Found]]) -> Found:
        async def begin(reader: Onlooker) -> Found:
            self._waiting.pop(key, None)
            return await question(reader)

        try:
            return await self._readers.ask(begin, self._patience)
        finally:
            if self._waiting.get(key) is asyncio.current_task():
                del self._waiting[key]
