"""An event that a lane tries again, for who asks what is going on."""

from dataclasses import dataclass
from datetime import datetime

from bridge.consumer.holding import Held
from bridge.events.codec import header
from bridge.kafka.record import Record


@dataclass(frozen=True, slots=True)
class Blocked:
    """An event that holds its key, while it is tried again; or its lane, while nothing goes."""

    group: str
    event_id: str
    type: str
    topic: str
    partition: int
    offset: int
    attempts: int
    """0 where the database is away, which is no attempt."""
    reason: str
    since: datetime

    @classmethod
    def of(cls, group: str, record: Record, held: Held) -> "Blocked":
        """Describe the record that `held` is about."""
        return cls(
            group=group,
            event_id=header(record.headers, "ce_id"),
            type=header(record.headers, "ce_type"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            attempts=held.attempts,
            reason=held.reason,
            since=held.since,
        )
