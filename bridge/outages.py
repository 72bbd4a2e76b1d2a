"""Errors of the database driver that have a meaning for a caller."""

import asyncpg

from bridge.errors import CausewayError, InvalidArgument, StaleVersion, Unavailable

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

MET = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


def translate(error: Exception) -> CausewayError | None:
    """UNAVAILABLE while the database is away, ABORTED where two transactions met.

    INVALID_ARGUMENT for the one character that a proto string holds and PostgreSQL's text does
    not. None: no meaning for a caller.
    """
    if isinstance(error, AWAY):
        return Unavailable("the database is away", reason="DATABASE_UNAVAILABLE")
    if isinstance(error, MET):
        return StaleVersion("somebody else changed the same thing")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return InvalidArgument("a text can't hold the character U+0000")
    return None
