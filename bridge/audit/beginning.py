"""The chain of one store as a session of the relay finds it."""

import asyncpg

from bridge import logs
from bridge.audit.seals import BEGINNING, Chain, Head
from bridge.sql import queries

PAGE = 1000


async def find_chain(connection: asyncpg.Connection) -> Chain:
    """Read where the chain ends. One that has not begun begins with what is on Kafka already.

    That is what a release without seals published; it is sealed in one transaction, and never
    once there is a seal: an event that appears among the published ones then was put there.
    """
    head = await _head(connection)
    if head is not None:
        return Chain(head)
    chain = Chain(BEGINNING)
    async with connection.transaction():
        await _seal_published(connection, chain)
    if chain.head.seq:
        logs.info("seals.begun", events=chain.head.seq)
    return chain


async def _head(connection: asyncpg.Connection) -> Head | None:
    row = await connection.fetchrow(queries("seals")["head"])
    return Head(*row) if row is not None else None


async def _seal_published(connection: asyncpg.Connection, chain: Chain) -> None:
    sql = queries("seals")
    while rows := await connection.fetch(sql["unsealed"], chain.head.position, PAGE):
        hashes = chain.hashes(row["fields"] for row in rows)
        positions = [row["position"] for row in rows]
        seq, _, last = chain.head
        await connection.execute(sql["seal"], positions, seq, last, hashes)
        chain.advance(positions[-1], hashes)
