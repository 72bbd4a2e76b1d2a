"""Curing the poison: what is parked can be handled now, and is asked for again."""

import asyncpg

CURE = "INSERT INTO cures DEFAULT VALUES"
ASK = "UPDATE bridge.parked SET redrive_time = now(), redrive_actor = 'users/torture'"
WAKE = "SELECT pg_notify('bridge_parked', '')"


async def cure(dsn: str) -> None:
    """Cure every poisonous event that was appended until now, and redrive all that is parked."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for statement in (CURE, ASK, WAKE):
                await connection.execute(statement)
    finally:
        connection.terminate()
