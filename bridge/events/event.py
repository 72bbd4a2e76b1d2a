"""One recorded event, and who began it: the same shape wherever it was read.

Named tuples: a frozen dataclass takes three times as long to make, and a replay makes millions.
"""

from datetime import datetime
from typing import NamedTuple

from google.protobuf.message import Message


class Origin(NamedTuple):
    """Who and what caused an event. Empty strings where nothing is known."""

    actor: str = ""
    """Resource name of who acts, `users/{sub}`, or of the service."""
    client: str = ""
    """The OAuth client (`azp`) that the actor used."""
    method: str = ""
    """Full gRPC method name, `/causeway.orders.v1.OrderService/CreateOrder`."""
    request_id: str = ""
    correlation_id: str = ""
    """Same for all that follows from one request; empty: the event's own id begins it."""
    causation_id: str = ""
    """Id of the event that caused this one; empty where a request did."""
    traceparent: str = ""
    """W3C trace context."""


class Event(NamedTuple):
    """One event as it was stored, read from the store or from Kafka.

    `position` is known of events read from their own store; `topic`, `partition` and `offset` of
    those read from Kafka.
    """

    id: str
    """UUIDv7, lower case with dashes."""
    type: str
    """Full name of the message."""
    source: str
    """`/causeway/<service>`."""
    stream: str
    """`orders/{id}`, CloudEvents' subject."""
    version: int
    """1, 2, … in the stream, without a gap."""
    key: str
    """Partition key: the id of the aggregate."""
    time: datetime
    """UTC."""
    message: Message
    origin: Origin
    position: int | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


def caused_by(event: Event) -> Origin:
    """Give the origin of what a handler of `event` writes: same actor, same correlation."""
    origin = event.origin
    return Origin(
        origin.actor,
        origin.client,
        "",
        "",
        origin.correlation_id or event.id,
        event.id,
        origin.traceparent,
    )
