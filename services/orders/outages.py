"""Errors of the database driver that have a meaning for a caller."""

import asyncpg

from bridge.errors import CausewayError, StaleVersion, Unavailable

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    OSError,
)
"""TimeoutError, an OSError, is among them: a statement or a connection that took too long."""


def translate(error: Exception) -> CausewayError | None:
    """UNAVAILABLE while the database is away, ABORTED where two transactions met."""
    if isinstance(error, AWAY):
        return Unavailable("the database is away", reason="DATABASE_UNAVAILABLE")
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return StaleVersion("somebody else changed the same thing")
    return None
