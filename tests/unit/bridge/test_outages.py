from typing import cast

import asyncpg
import grpc
import pytest

from bridge.database import acquire
from bridge.outages import is_away, translate

CODES = {
    ConnectionRefusedError(): grpc.StatusCode.UNAVAILABLE,
    TimeoutError(): grpc.StatusCode.UNAVAILABLE,
    asyncpg.AdminShutdownError("x"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.ConnectionDoesNotExistError("x"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.InterfaceError("connection is closed"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.InterfaceError("cannot call X: connection has been released back to the pool"): (
        grpc.StatusCode.UNAVAILABLE
    ),
    asyncpg.InternalClientError(
        "cannot switch to state 15; another operation (2) is in progress"
    ): grpc.StatusCode.UNAVAILABLE,
    asyncpg.DeadlockDetectedError("x"): grpc.StatusCode.ABORTED,
    asyncpg.CharacterNotInRepertoireError("x"): grpc.StatusCode.INVALID_ARGUMENT,
}


@pytest.mark.parametrize("error", CODES, ids=lambda error: type(error).__name__)
def test_an_error_of_the_driver_has_a_code_for_callers(error: Exception) -> None:
    known = translate(error)
    assert known is not None
    assert known.code is CODES[error]


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        asyncpg.UniqueViolationError("x"),
        asyncpg.DataError("x"),
        # The driver's own, raised before anything is sent: a bug of the caller.
        asyncpg.exceptions._base.DataError("invalid input for query argument $1: 'x'"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InterfaceError("cannot call fetch(): the prepared statement is closed"),
    ],
)
def test_what_would_be_a_bug_is_not_dressed_up(error: Exception) -> None:
    assert translate(error) is None
    assert not is_away(error)


def test_an_oserror_of_anybody_is_not_the_databases_to_a_consumer() -> None:
    assert not is_away(ConnectionRefusedError())
    assert is_away(asyncpg.ClientCannotConnectError("x"))


class NoPool:
    """A pool whose database refuses connections."""

    async def acquire(self) -> asyncpg.Connection:
        raise ConnectionRefusedError


async def test_a_connection_that_cannot_be_made_is_the_databases_absence() -> None:
    with pytest.raises(asyncpg.ClientCannotConnectError) as refused:
        async with acquire(cast(asyncpg.Pool, NoPool())):
            pass
    assert is_away(refused.value)
