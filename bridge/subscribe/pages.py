"""Pages of the log behind the window, for whoever is behind it: those at one place share one."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from bridge.events.catalog import Catalog
from bridge.kafka.onlooker import Onlooker
from bridge.kafka.record import Partition
from bridge.subscribe.readers import Readers
from bridge.subscribe.seen import Seen, fitting

MOST_RECORDS = 100
KEPT = 32
PATIENCE = 60.0
"""Seconds until a partition that gives nothing counts as away: a new leader is found in less."""


class Page(NamedTuple):
    """Records of one partition, in order, and where to go on."""

    records: Sequence[Seen]
    after: int


class Pages:
    """Reads pages; the last ones are kept, since readers often come together."""

    def __init__(self, readers: Readers, catalog: Catalog) -> None:
        self._readers = readers
        self._catalog = catalog
        self._kept: OrderedDict[tuple[Partition, int], asyncio.Task[Page]] = OrderedDict()
        self._running: set[asyncio.Task[Page]] = set()

    async def page(self, where: Partition, at: int) -> Page:
        """Give at least one record, or a place further on; only where there is more to read.

        OutOfRange: the place is gone. Unavailable: it can't be read for too long.
        """
        task = self._kept.get((where, at))
        if task is None:
            task = self._kept[where, at] = asyncio.create_task(self._read(where, at))
            self._running.add(task)
            task.add_done_callback(lambda done: self._end(where, at, done))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        # Others may wait for it when this reader goes.
        return await asyncio.shield(task)

    async def _read(self, where: Partition, at: int) -> Page:
        async def question(reader: Onlooker) -> Page:
            while True:
                records, after = await reader.page(where, at, MOST_RECORDS)
                if after > at:
                    return cut([Seen(record, self._catalog) for record in records], after)

        return await self._readers.ask(question, PATIENCE)

    def _end(self, where: Partition, at: int, done: asyncio.Task[Page]) -> None:
        self._running.discard(done)
        failed = done.cancelled() or done.exception() is not None
        if failed and self._kept.get((where, at)) is done:
            del self._kept[where, at]


def cut(records: Sequence[Seen], after: int) -> Page:
    """Make a page of as many records as it may hold."""
    some = fitting(records)
    return Page(some, after if len(some) == len(records) else some[-1].offset + 1)
