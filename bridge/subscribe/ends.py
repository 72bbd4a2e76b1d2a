"""Where the log ends now, for many who ask at the same time."""

import asyncio
from collections.abc import Mapping, Sequence

from bridge.kafka.onlooker import Onlooker
from bridge.kafka.record import Partition
from bridge.subscribe.readers import Readers

Places = Mapping[Partition, int]


class Ends:
    """Asks once for all whose question waits for a connection.

    A question that is under way is joined by nobody: its answer may be older than the asking.
    """

    def __init__(self, readers: Readers, patience: float) -> None:
        self._readers = readers
        self._patience = patience
        self._waiting: dict[tuple[Partition, ...], asyncio.Task[Places]] = {}

    async def of(self, partitions: Sequence[Partition]) -> Places:
        """Give the offsets that the next records will get; Unavailable."""
        key = tuple(partitions)
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._ask(key))
        return await asyncio.shield(task)

    async def _ask(self, partitions: tuple[Partition, ...]) -> Places:
        async def question(reader: Onlooker) -> Places:
            self._waiting.pop(partitions, None)
            return await reader.ends(partitions)

        try:
            return await self._readers.ask(question, self._patience)
        finally:
            if self._waiting.get(partitions) is asyncio.current_task():
                del self._waiting[partitions]
