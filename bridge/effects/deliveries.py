"""External effects (mail, webhook): written as rows by handlers, carried out by a sender.

Never inside a handler: a batch that rolls back would send again, and a slow mail server would
hold the locks of a transaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import uuid_utils

from bridge import telemetry
from bridge.events.event import Origin
from bridge.handling import Handling
from bridge.sql import queries


@dataclass(frozen=True, slots=True)
class Delivery:
    """One leased delivery."""

    id: str
    """UUIDv7."""
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
the delivery as failed (its `reason` is kept); any other error is tried again, as often as the
sender's `Pace` allows."""

Outcome = Callable[[Delivery, Result, asyncpg.Connection], Awaitable[None]]
"""Records the end of a delivery, in the transaction that marks it."""


async def enqueue(handling: Handling, effect: str, recipient: str, payload: bytes) -> str | None:
    """Write a delivery in the handler's transaction; gives its id.

    None: a replay is at work that was not asked for this effect, and nothing is written.
    """
    if handling.effects is not None and effect not in handling.effects:
        return None
    event = handling.event
    delivery_id = str(uuid_utils.uuid7())
    await handling.connection.execute(
        queries("deliveries")["enqueue"],
        delivery_id,
        effect,
        recipient,
        event.id,
        payload,
        event.origin.actor,
        event.origin.correlation_id or event.id,
        telemetry.traceparent() or event.origin.traceparent,
    )
    return delivery_id


def delivery_of(row: asyncpg.Record) -> Delivery:
    """Read a leased row."""
    return Delivery(
        id=row["id"],
        effect=row["effect"],
        recipient=row["recipient"],
        event_id=row["event_id"],
        payload=row["payload"],
        attempt=row["attempts"],
        origin=Origin(
            actor=row["actor"],
            correlation_id=row["correlation_id"],
            causation_id=row["event_id"],
            traceparent=row["traceparent"],
        ),
    )
