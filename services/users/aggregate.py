"""A user and its credit, pure: a decision returns events, `evolve` folds them into the state.

Each order has one answer on its user's stream, and keeps it:

    (nothing) ─ reserve ─► RESERVED ─ release ─► RELEASED
        │ └──── reserve ─► DENIED
        └────── release ─► RELEASED      cancelled before its creation was seen: never reserved

A decision about an order needs the user and the claim of that order alone, so it costs the same
after ten orders and after ten thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from google.protobuf.message import Message
from google.type.money_pb2 import Money

from causeway.users.v1.events_pb2 import (
    CreditDenied,
    CreditLimitSet,
    CreditReleased,
    CreditReserved,
    UserDeactivated,
    UserRegistered,
    UserUpdated,
)
from services.users.money import CURRENCY, to_money, to_nanos


class Answer(Enum):
    """What became of the credit that an order asked for."""

    RESERVED = "reserved"
    DENIED = "denied"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to one order; `amount` is what is held for it now, in nanos."""

    answer: Answer
    amount: int


@dataclass(frozen=True, slots=True)
class User:
    """A user after `version` events; amounts are in nanos of EUR."""

    id: str
    username: str
    display_name: str
    email: str
    credit_limit: int
    version: int
    create_time: datetime
    update_time: datetime
    active: bool = True
    reserved: int = 0


def register(
    user_id: str, username: str, display_name: str, email: str, credit_limit: int
) -> Sequence[Message]:
    """Begin the stream of a user that Keycloak knows; `credit_limit` in nanos."""
    registered = UserRegistered(
        user_id=user_id,
        username=username,
        display_name=display_name,
        email=email,
        credit_limit=to_money(credit_limit),
    )
    return [registered]


def set_credit_limit(user: User, limit: int) -> Sequence[Message]:
    """Set the limit in nanos. One below what is reserved stands: it only denies what comes."""
    if limit == user.credit_limit:
        return []
    return [CreditLimitSet(user_id=user.id, credit_limit=to_money(limit))]


def update(user: User, display_name: str | None, email: str | None) -> Sequence[Message]:
    """Change name or address; None leaves it."""
    name = user.display_name if display_name is None else display_name
    address = user.email if email is None else email
    if (name, address) == (user.display_name, user.email):
        return []
    return [UserUpdated(user_id=user.id, display_name=name, email=address)]


def deactivate(user: User, reason: str) -> Sequence[Message]:
    """End what a user may do, for good. What is reserved stays until its orders end."""
    return [UserDeactivated(user_id=user.id, reason=reason)] if user.active else []


def reserve_credit(user: User, claim: Claim | None, order: str, amount: Money) -> Sequence[Message]:
    """Answer an order once; an order that has its answer, `claim`, gets no second one."""
    if claim is not None:
        return []
    reason = _refusal(user, amount)
    if reason:
        return [CreditDenied(user_id=user.id, order=order, amount=amount, reason=reason)]
    return [CreditReserved(user_id=user.id, order=order, amount=amount)]


def _refusal(user: User, amount: Money) -> str:
    """Why the amount is not to be had, in words for the customer; empty: it is."""
    if not user.active:
        return "The account is deactivated."
    if amount.currency_code != CURRENCY:
        return f"Credit is in {CURRENCY} only."
    nanos = to_nanos(amount)
    if nanos < 0:
        return "The amount is negative."
    if user.reserved + nanos > user.credit_limit:
        return "The order exceeds the credit that is left."
    return ""


def release_credit(user: User, claim: Claim | None, order: str) -> Sequence[Message]:
    """Give back what a cancelled order holds.

    An order that is cancelled before its creation was seen is released with amount zero: that
    answer stays, so the creation that comes late reserves nothing.
    """
    if claim is not None and claim.answer is not Answer.RESERVED:
        return []
    held = claim.amount if claim else 0
    return [CreditReleased(user_id=user.id, order=order, amount=to_money(held))]


def claim_of(event: Message) -> tuple[str, Claim] | None:
    """The order that an event answers, with the claim it has from now on; None: it answers none."""
    if isinstance(event, CreditReserved):
        return event.order, Claim(Answer.RESERVED, to_nanos(event.amount))
    if isinstance(event, CreditDenied):
        return event.order, Claim(Answer.DENIED, 0)
    if isinstance(event, CreditReleased):
        return event.order, Claim(Answer.RELEASED, 0)
    return None


def evolve(user: User | None, event: Message, time: datetime) -> User:
    """The state after one more event. ValueError: this event can't follow that state."""
    if isinstance(event, UserRegistered):
        if user is not None:
            raise ValueError(f"users/{user.id} is registered twice")
        return _registered(event, time)
    step = STEPS.get(type(event))
    if step is None or user is None:
        raise ValueError(f"{type(event).__name__} can't follow {user and user.id}")
    return replace(step(user, event), version=user.version + 1, update_time=time)


def _registered(event: UserRegistered, time: datetime) -> User:
    return User(
        id=event.user_id,
        username=event.username,
        display_name=event.display_name,
        email=event.email,
        credit_limit=to_nanos(event.credit_limit),
        version=1,
        create_time=time,
        update_time=time,
    )


def _updated(user: User, event: UserUpdated) -> User:
    return replace(user, display_name=event.display_name, email=event.email)


def _limit_set(user: User, event: CreditLimitSet) -> User:
    return replace(user, credit_limit=to_nanos(event.credit_limit))


def _reserved(user: User, event: CreditReserved) -> User:
    return replace(user, reserved=user.reserved + to_nanos(event.amount))


def _denied(user: User, _event: CreditDenied) -> User:
    return user


def _released(user: User, event: CreditReleased) -> User:
    return replace(user, reserved=user.reserved - to_nanos(event.amount))


def _deactivated(user: User, _event: UserDeactivated) -> User:
    return replace(user, active=False)


# Each step takes the event type it is filed under.
STEPS: Mapping[type[Message], Callable[..., User]] = {
    UserUpdated: _updated,
    CreditLimitSet: _limit_set,
    CreditReserved: _reserved,
    CreditDenied: _denied,
    CreditReleased: _released,
    UserDeactivated: _deactivated,
}
