"""What an answer may be, whatever was asked: a status with a meaning, and words for the caller."""

import re

import grpc

from tests.fuzz.surface import Method

ALLOWED = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
REFUSED = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        # The edge looks at the size and the form of a request too, and at how many there are.
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
LEAKS = re.compile(
    r"""
    Traceback | File\ " | \.py\b | site-packages | /lib/ | /home/ | /usr/ | /opt/ | /tmp/
    | \b\w*(?:Exception|Error)\b(?!\ Info) | \bNoneType\b | <class\ | \bobject\ at\ 0x
    | \b(?:asyncpg|aiokafka|asyncio|keycloak|pydantic|httpx|google\.protobuf\.\w*message)\b
    | \b(?:SELECT|INSERT\ INTO|UPDATE|DELETE\ FROM)\b.*\b(?:FROM|SET|VALUES|WHERE)\b
    | \bduplicate\ key\b | \bviolates\b.*\bconstraint\b | \brelation\ " | \bcolumn\ " | \bSQL
    | upstream\ connect | reset\ reason | \b127\.0\.0\.1\b
    """,
    re.VERBOSE | re.DOTALL,
)
"""Names of classes, paths of files, SQL, libraries, addresses of what stands behind the edge."""


def leak(said: str, asked: str = "") -> str:
    """What in an answer's words is none of the caller's business; "" where nothing is.

    What the caller itself wrote may come back.
    """
    return next((m.group() for m in LEAKS.finditer(said) if m.group() not in asked), "")


def verdict(method: Method, roles: frozenset[str] | None, code: grpc.StatusCode, said: str) -> str:
    """Why an answer over gRPC is wrong; "" where it is right. `roles` None: without a token."""
    if not method.admits(roles):
        return "" if code in REFUSED else f"{code.name} for who must be refused"
    allowed = code in ALLOWED
    if code is grpc.StatusCode.CANCELLED:
        allowed = method.server_streams  # by its caller, who has heard enough
    if not allowed:
        return f"{code.name} ({said})"
    found = leak(said)
    return f"{code.name} tells {found!r}: {said}" if found else ""
