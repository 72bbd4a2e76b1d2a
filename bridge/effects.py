"""External effects (mail, webhook): written as rows by handlers, carried out by a sender."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg

from bridge.event import Event, Origin


@dataclass(frozen=True, slots=True)
class Delivery:
    """One leased delivery."""

    id: str
    effect: str
    """Name in the sender's dict, e.g. "email"."""
    recipient: str
    """Resource name, `users/{id}`: never an address."""
    event_id: str
    """The event that it tells of."""
    payload: bytes
    """As the handler gave it."""
    attempt: int
    """1 at the first try."""
    origin: Origin
    """For what the outcome appends: caused by the event."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a delivery ended."""

    sent: bool
    attempts: int
    reason: str = ""
    """Why it failed for good, without personal data."""


Effect = Callable[[Delivery], Awaitable[None]]
"""Carries a delivery out. Returning means accepted. A CausewayError that is not retriable ends
the delivery as failed (its `message` is the reason); any other error is tried again."""

Outcome = Callable[[Delivery, Result, asyncpg.Connection], Awaitable[None]]
"""Records the end of a delivery, in the transaction that marks it."""


async def enqueue(
    connection: asyncpg.Connection, effect: str, recipient: str, event: Event, payload: bytes
) -> str:
    """Write a delivery in the handler's transaction; gives its id."""
    raise NotImplementedError


class Sender:
    """Leases due deliveries, carries them out, and records the outcome.

    Any number of senders may run: a lease keeps a delivery for one of them, and lapses if its
    sender dies. At least once: a sender that dies between the mail server's yes and the commit
    sends again.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        effects: Mapping[str, Effect],
        outcome: Outcome,
    ) -> None:
        self._pool = pool
        self._effects = effects
        self._outcome = outcome
