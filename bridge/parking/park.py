"""Parking the events of one group: the one that failed, and the later ones of its key."""

from collections.abc import Sequence

import asyncpg

from bridge import logs
from bridge.database import acquire
from bridge.errors import StaleVersion
from bridge.events.codec import header
from bridge.kafka.record import Record
from bridge.parking.failure import Failure, failure_of
from bridge.parking.stored import columns, event_id_of, key_text
from bridge.sql import queries

FIRST_PAUSE = 5.0
"""Seconds until a retriable event is tried again, once it is parked."""


class Parking:
    """Writes the parked events of a group. No state of its own: any number may be at it."""

    def __init__(self, group: str, pool: asyncpg.Pool, packages: frozenset[str]) -> None:
        """`packages` are the top packages of the group's handlers."""
        self._group = group
        self._pool = pool
        self._packages = packages
        self._sql = queries("parking")

    async def park(self, record: Record, error: Exception, attempts: int) -> bool:
        """Park a record that failed `attempts` times, and its key; gives whether this parked it.

        False: it is handled, discarded or parked already. A member that lost its partition while
        it tried must not park what the new owner has handled. StaleVersion: the key was released
        in between; try again.
        """
        failure = failure_of(error, self._packages)
        async with acquire(self._pool) as connection, connection.transaction():
            parked = await self._park(connection, record, failure, attempts)
        if parked:
            self._tell(record, error, failure, attempts)
        return parked

    async def _park(
        self, connection: asyncpg.Connection, record: Record, failure: Failure, attempts: int
    ) -> bool:
        key = key_text(record.key)
        opened = bool(key) and await self._open(connection, key)
        added = 0
        if await self._is_unhandled(connection, record):
            if opened or not key:
                added = await self._add(connection, [record], failure, attempts)
            else:
                added = await self.behind(connection, [record])
        if opened and not added:
            await connection.execute(self._sql["close"], self._group, key)
        return bool(added)

    async def behind(self, connection: asyncpg.Connection, records: Sequence[Record]) -> int:
        """Park records of keys that are parked and whose rows `connection` holds, in order.

        Gives how many: those that are handled, discarded or parked already are passed over.
        """
        return await self._add(connection, records, Failure("KEY_PARKED", False, ""), 0)

    async def _open(self, connection: asyncpg.Connection, key: str) -> bool:
        """Hold the key's row; gives whether this made it."""
        if await connection.fetchval(self._sql["open"], self._group, key):
            return True
        if not await connection.fetchval(self._sql["hold"], self._group, key):
            raise StaleVersion("the parked key was released meanwhile")
        return False

    async def _is_unhandled(self, connection: asyncpg.Connection, record: Record) -> bool:
        """Whether nobody has handled the event, once all who are at it are done with it."""
        event_id = event_id_of(record)
        if event_id is None:
            return True
        if not await connection.fetchval(self._sql["claim"], self._group, event_id):
            return False
        await connection.execute(self._sql["unclaim"], self._group, event_id)
        return True

    async def _add(
        self,
        connection: asyncpg.Connection,
        records: Sequence[Record],
        failure: Failure,
        attempts: int,
    ) -> int:
        added: int = await connection.fetchval(
            self._sql["add"],
            self._group,
            *(list(column) for column in zip(*map(columns, records), strict=True)),
            failure.reason,
            attempts,
            FIRST_PAUSE if failure.retriable else None,
            failure.stack_digest,
        )
        return added

    def _tell(self, record: Record, error: Exception, failure: Failure, attempts: int) -> None:
        """Say loudly that an event waits, and whether it does for somebody."""
        logs.error(
            "consumer.parked",
            error,
            group=self._group,
            event_id=event_id_of(record) or "",
            event_type=header(record.headers, "ce_type"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            attempts=attempts,
            reason=failure.reason,
            retriable=failure.retriable,
            stack_digest=failure.stack_digest,
        )
