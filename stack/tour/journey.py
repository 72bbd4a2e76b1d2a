"""Where the tour goes, and what it learns on its way."""

import time
from dataclasses import dataclass, field

from bridge.kafka.settings import KafkaSettings

SKU, QUANTITY = "book", 2
"""Within the credit limit of every new customer."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The parts that the tour asks itself. `mailbox` is the list of mails."""

    edge: str
    issuer: str
    kafka: KafkaSettings
    orders_database: str = field(repr=False)
    mailbox: str = ""


@dataclass(slots=True)
class Journey:
    """Filled in hop by hop; a hop needs what the ones before it found."""

    username: str
    password: str = field(repr=False)
    email: str = ""
    customer: str = ""
    token: str = field(default="", repr=False)
    order: str = ""
    correlation: str = ""
    confirmation: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of the order somewhere, and when (seconds of the monotonic clock)."""

    facts: dict[str, object]
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Hop:
    """A place that the order reached. `elapsed_ms` counts from the moment when it was
    posted, of the hops before that from the tour's own start. `facts` say what was seen there."""

    name: str
    elapsed_ms: float
    facts: dict[str, object]
