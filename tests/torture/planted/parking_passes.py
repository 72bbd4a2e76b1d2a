"""A parked event does not hold its key: the later ones are handled as if nothing were."""

from bridge.consumer import inbox
from bridge.database import acquire
from bridge.kafka.record import Record
from bridge.parking.park import Parking

LET_PASS = "DELETE FROM bridge.parked_keys WHERE consumer_group = $1"


class LeakyParking(Parking):
    """Parks an event, and lets its key go."""

    async def park(self, record: Record, error: Exception, attempts: int) -> bool:
        parked = await super().park(record, error, attempts)
        async with acquire(self._pool) as connection:
            await connection.execute(LET_PASS, self._group)
        return parked


def plant() -> None:
    inbox.Parking = LeakyParking  # type: ignore[attr-defined]
