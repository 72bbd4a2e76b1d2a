"""What is parked and redriven as one, in one transaction: a key, or an event without one."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bridge.parking.failure import Failure
from bridge.sql import queries


@dataclass(frozen=True, slots=True)
class Unit:
    """A parked key of a group; `key` None: the parked event `id` alone."""

    group: str
    key: str | None
    id: int

    @property
    def name(self) -> tuple[str, str | int]:
        """What tells it from others."""
        return (self.group, self.id if self.key is None else self.key)

    async def lock(self, connection: asyncpg.Connection) -> bool:
        """Take it for this transaction; False if another redrive has it, or it is gone."""
        sql = queries("parking")
        if self.key is None:
            return bool(await connection.fetchval(sql["lock_one"], self.group, self.id))
        return bool(await connection.fetchval(sql["lock_key"], self.group, self.key))

    async def discard(self, connection: asyncpg.Connection) -> int:
        """Move out what somebody gave up; gives how many."""
        count: int = await connection.fetchval(
            queries("parking")["discard"], self.group, self.key, self.id
        )
        if count:
            await self.wake(connection)
        return count

    async def page(self, connection: asyncpg.Connection, most: int) -> Sequence[asyncpg.Record]:
        """Read the first `most` events in order."""
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            queries("parking")["page"], self.group, self.key, self.id, most
        )
        return rows

    async def remove(self, connection: asyncpg.Connection, ids: Sequence[int]) -> None:
        """Take handled events out; the next is due."""
        await connection.execute(queries("parking")["remove"], ids)
        await self.wake(connection)

    async def wake(self, connection: asyncpg.Connection) -> None:
        """Make the first event due, if it only waited for those before it."""
        if self.key is not None:
            await connection.execute(queries("parking")["wake"], self.group, self.key)

    async def failed(
        self,
        connection: asyncpg.Connection,
        first: asyncpg.Record,
        failure: Failure,
        pause: float | None,
    ) -> None:
        """Note that the first event failed again; `pause` in seconds, None: until it is asked."""
        await connection.execute(
            queries("parking")["failed"],
            self.group,
            self.key,
            first["read_time"],
            first["id"],
            failure.reason,
            pause,
            failure.stack_digest,
        )

    async def release(self, connection: asyncpg.Connection) -> bool:
        """Let the key's new events be handled again, if nothing is parked any more.

        The lock first, in a statement of its own: the next one sees what the consumer has added
        until then, and nothing can be added before the transaction ends.
        """
        if self.key is None:
            return True
        sql = queries("parking")
        await connection.execute(sql["lock_for_release"], self.group, self.key)
        await self.wake(connection)
        return bool(await connection.fetchval(sql["release"], self.group, self.key))
