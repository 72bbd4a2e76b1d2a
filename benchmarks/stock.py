"""A store that is full before the measurement begins."""

import asyncpg

from benchmarks.append import confirmed
from benchmarks.parts import SCHEMA, Database
from benchmarks.sql import queries

PORTION = 100_000
"""Events of one statement."""


async def stock(database: Database, count: int) -> None:
    """Store `count` events that are on Kafka already. About 30 s a million."""
    message = confirmed("stock")
    connection = await asyncpg.connect(database.superuser)
    try:
        for begin in range(0, count, PORTION):
            await connection.execute(
                queries("stock")["events"],
                min(PORTION, count - begin),
                message.DESCRIPTOR.full_name,
                message.SerializeToString(),
                SCHEMA.id,
                begin,
            )
        await connection.execute(queries("stock")["settle"])
    finally:
        await connection.close()
