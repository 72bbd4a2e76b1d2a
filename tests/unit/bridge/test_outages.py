import asyncpg
import grpc
import pytest

from bridge.outages import translate

CODES = {
    ConnectionRefusedError(): grpc.StatusCode.UNAVAILABLE,
    TimeoutError(): grpc.StatusCode.UNAVAILABLE,
    asyncpg.AdminShutdownError("x"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.ConnectionDoesNotExistError("x"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.InterfaceError("connection is closed"): grpc.StatusCode.UNAVAILABLE,
    asyncpg.DeadlockDetectedError("x"): grpc.StatusCode.ABORTED,
    asyncpg.CharacterNotInRepertoireError("x"): grpc.StatusCode.INVALID_ARGUMENT,
}


@pytest.mark.parametrize("error", CODES, ids=lambda error: type(error).__name__)
def test_an_error_of_the_driver_has_a_code_for_callers(error: Exception) -> None:
    known = translate(error)
    assert known is not None
    assert known.code is CODES[error]


@pytest.mark.parametrize(
    "error", [ValueError(), asyncpg.UniqueViolationError("x"), asyncpg.DataError("x")]
)
def test_what_would_be_a_bug_is_not_dressed_up(error: Exception) -> None:
    assert translate(error) is None
