"""Shapes of what goes to and comes from Kafka."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes | None]]
"""None: a null value, which Kafka allows and we never write."""


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Ack(NamedTuple):
    """Where an acknowledged record stands."""

    topic: str
    partition: int
    offset: int


class Outgoing(NamedTuple):
    """A record to send. `key` is never empty: without one there is no order."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Record(Protocol):
    """A record as it was read. The client's own object fits, so nothing is copied."""

    @property
    def topic(self) -> str: ...  # noqa: D102  (the names say it)
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Headers: ...  # noqa: D102
