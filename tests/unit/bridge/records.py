"""Records as Kafka's client would give them."""

from dataclasses import dataclass, field

from bridge.kafka.record import Headers


@dataclass(frozen=True, slots=True)
class FakeRecord:
    topic: str = "causeway.orders.v1"
    partition: int = 0
    offset: int = 0
    key: bytes | None = b"o1"
    value: bytes | None = None
    headers: Headers = field(default_factory=list)
