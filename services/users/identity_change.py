"""A change of a user that Keycloak has to make too, and what its first step may find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from google.protobuf.message import Message

from bridge.errors import FailedPrecondition
from bridge.etags import check_etag
from bridge.events.event import Origin
from bridge.store.repeats import Repeats
from services.users import aggregate
from services.users.aggregate import User


class Kind(Enum):
    """What is changed. One change at a time for a user; a deactivation is written down while an
    update is under way, so that no other update begins."""

    UPDATE = "update"
    DEACTIVATE = "deactivate"


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """What shall be from then on, and for which request; None: left as it is.

    `etag` counts for the first step alone. `finished`: done, and kept for a while.
    """

    id: str
    user_id: str
    kind: Kind
    repeats: Repeats
    origin: Origin
    display_name: str | None = None
    email: str | None = None
    reason: str = ""
    etag: str = ""
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """The change is written down: go on."""


@dataclass(frozen=True, slots=True)
class Done:
    """There is nothing to ask Keycloak, or it was done before; `user` as it is now."""

    user: User


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Another change is under way for the user.

    `like`: it asks the same of Keycloak, for the same caller; `leased`: a process works on it;
    `settled`: what it asked of Keycloak has come to an end.
    """

    change: IdentityChange
    like: bool
    leased: bool
    settled: bool


Beginning: TypeAlias = Begun | Done | UnderWay


def decide(change: IdentityChange, user: User) -> Sequence[Message]:
    """The events of a change that Keycloak has made; none where it is so already.

    Whatever the user has become meanwhile: both systems must say the same.
    """
    return DECIDE[change.kind](change, user)


def decide_alone(change: IdentityChange, user: User) -> Sequence[Message]:
    """`decide` where Keycloak has no part in it, and what `check` raises."""
    check(change, user)
    return decide(change, user)


def check(change: IdentityChange, user: User) -> None:
    """StaleVersion or FailedPrecondition where the user may not be changed so."""
    check_etag(change.etag, f"users/{user.id}", user.version)
    if change.kind is Kind.UPDATE and not user.active:
        raise FailedPrecondition("the user is deactivated", reason="USER_DEACTIVATED")


def concerns_keycloak(change: IdentityChange, user: User) -> bool:
    """Whether Keycloak keeps what changes: the address, and whether the user may log in.

    It is told of a deactivation also where the user is deactivated here: that mends what an
    administrator of Keycloak, say, has undone there.
    """
    if change.kind is Kind.DEACTIVATE:
        return True
    return change.email is not None and change.email != user.email


DECIDE: Mapping[Kind, Callable[[IdentityChange, User], Sequence[Message]]] = {
    Kind.UPDATE: lambda change, user: aggregate.update(user, change.display_name, change.email),
    Kind.DEACTIVATE: lambda change, user: aggregate.deactivate(user, change.reason),
}
