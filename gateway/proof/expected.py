"""What each cell of the matrix must show: the rule of the method against the caller."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from gateway.proof.callers import Caller, Standing
from gateway.proof.surface import Rpc

OK = "OK"
INVALID = "INVALID_ARGUMENT"
UNAUTHENTICATED = "UNAUTHENTICATED"
DENIED = "PERMISSION_DENIED"
NOT_FOUND = "NOT_FOUND"


class Place(Enum):
    """Who answers: the edge itself, or a service (its errors carry google.rpc details)."""

    EDGE = "edge"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """A gRPC code and who gave it."""

    code: str
    by: str

    def __str__(self) -> str:
        return f"{self.code} by the {self.by}"


Expected = frozenset[Verdict]


def edge(*codes: str) -> Expected:
    """The edge answers with one of these codes."""
    return frozenset(Verdict(code, Place.EDGE.value) for code in codes)


def service(*codes: str) -> Expected:
    """A service answers with one of these codes."""
    return frozenset(Verdict(code, Place.SERVICE.value) for code in codes)


def passes(*, invalid: bool) -> Expected:
    """The call came through to the method: its request fails there, or reads what it reads.

    Never UNIMPLEMENTED: a method without a handler would guard nothing that could be seen here.
    """
    return service(INVALID) if invalid else service(OK, NOT_FOUND)


def lets_in(rpc: Rpc, caller: Caller) -> bool:
    """Whether the method's rule lets the caller through to the method, as an owner perhaps."""
    if rpc.public:
        return True
    if caller.standing is not Standing.KNOWN:
        return False
    return rpc.anyone or bool(rpc.owner) or bool(rpc.roles & caller.roles)


def at_edge(rpc: Rpc, caller: Caller, *, invalid: bool) -> Expected:
    """The cell of a call through the edge: it decides alone, no service is asked."""
    if lets_in(rpc, caller):
        return passes(invalid=invalid)
    return edge(UNAUTHENTICATED if caller.standing is Standing.STRANGER else DENIED)


def at_service(rpc: Rpc, caller: Caller, *, invalid: bool) -> Expected:
    """The cell of a call past the edge: the service trusts nobody and decides again."""
    if lets_in(rpc, caller):
        return passes(invalid=invalid)
    return service(DENIED if caller.standing is Standing.KNOWN else UNAUTHENTICATED)


def mangled(rpc: Rpc, reached: Rpc | None, caller: Caller, *, invalid: bool) -> Expected:
    """A path of `rpc` that is not quite its own: as the method that it reaches, or refused.

    Whose token only the role filter turns away meets "nothing here" before it, on REST paths; so
    does whoever needs none, because the method is public.
    """
    refused = edge(INVALID)
    if caller.standing is Standing.STRANGER:
        refused |= edge(UNAUTHENTICATED)
    if caller.standing is not Standing.STRANGER or rpc.public:
        refused |= edge(DENIED, NOT_FOUND)
    return refused | at_edge(reached, caller, invalid=invalid) if reached else refused


def described(expected: Iterable[Verdict]) -> str:
    """`PERMISSION_DENIED by the edge or NOT_FOUND by the edge`."""
    return " or ".join(str(one) for one in sorted(expected))
