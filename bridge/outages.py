"""Errors of the database driver: which mean that it is away, and what they mean to a caller."""

import re

import asyncpg

from bridge.errors import CausewayError, InvalidArgument, StaleVersion, Unavailable

GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
)
# The driver has one class for a connection that is gone and for wrong use of it; only the text
# tells. A pool takes a connection back as soon as it is lost.
LOST = re.compile(r"(connection|pool) is clos(ed|ing)|connection has been released back")

# Sent on a connection that the server has just said goodbye on, outside of any statement.
DISMISSED = re.compile(r"cannot switch to state \d+; another operation \(\d+\) is in progress")

DRIVER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""All that the driver raises, for what goes on in the background whatever the database does. The
last one is neither of the two before it."""

MET = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


def is_away(error: BaseException) -> bool:
    """Whether the driver says that the database can't be reached: nobody's fault.

    Not a plain OSError, which may be anybody's: `bridge.database.acquire` gives the driver's.
    """
    if isinstance(error, asyncpg.InterfaceError):
        return LOST.search(str(error)) is not None
    if isinstance(error, asyncpg.InternalClientError):
        return DISMISSED.search(str(error)) is not None
    return isinstance(error, GONE)


def reason_of(error: Exception) -> str:
    """Give an error's reason (UPPER_SNAKE), or its class; nothing that could be personal."""
    if isinstance(error, CausewayError):
        return error.reason
    return "DATABASE_AWAY" if is_away(error) else type(error).__name__


def translate(error: Exception) -> CausewayError | None:
    """UNAVAILABLE while the database is away, ABORTED where two transactions met.

    INVALID_ARGUMENT for the one character that a proto string holds and PostgreSQL's text does
    not. An OSError counts as the database's, and so does TimeoutError, which is one: a statement
    that took too long. None: no meaning for a caller.
    """
    if is_away(error) or isinstance(error, OSError):
        return Unavailable("the database is away", reason="DATABASE_UNAVAILABLE")
    if isinstance(error, MET):
        return StaleVersion("somebody else changed the same thing")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return InvalidArgument("a text can't hold the character U+0000")
    return None
