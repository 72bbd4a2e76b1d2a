"""The hop in the event store of Orders."""

import asyncpg

from stack.tour.journey import Addresses, Journey, Sight
from stack.tour.refused import Refused

FIRST_EVENT = """
SELECT position, version, type, event_id::text AS event_id, correlation_id
FROM bridge.events WHERE stream = $1 AND version = 1
"""


async def find_event(journey: Journey, where: Addresses) -> Sight:
    """The order's first event: committed with the answer, so it must be there already."""
    connection = await asyncpg.connect(where.orders_database, timeout=5)
    try:
        row = await connection.fetchrow(FIRST_EVENT, journey.order)
    finally:
        await connection.close(timeout=5)
    if row is None:
        raise Refused(f"no event of {journey.order} is in the store")
    journey.correlation = row["correlation_id"]
    return Sight(
        {
            "event": row["type"].rpartition(".")[2],
            "stream": journey.order,
            "position": row["position"],
            "version": row["version"],
            "event_id": row["event_id"],
        }
    )
