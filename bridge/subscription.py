"""A consumer group and its handlers: what is consumed, parked, redriven and replayed as one."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from bridge.handling import BatchHandler, Handler


@dataclass(frozen=True, slots=True)
class Subscription:
    """One group, `<service>.<handler>`, and what it does with which events."""

    group: str
    handlers: Mapping[type[Message], Handler]
    """By message type. Types of the same topics that are not named are passed over."""
    batch: BatchHandler | None = None
    """Where given, handles the events of a transaction together, in place of `handlers`' values."""
    tables: tuple[str, ...] = ()
    """Tables in schema `public` that these handlers alone write, and that hold nothing else: with
    any, the group is a projection and can be rebuilt."""
    effects: tuple[str, ...] = ()
    """External effects that the handlers enqueue: off in a replay unless named."""
    live: bool = True
    """False: no member joins the group, it is fed by replays alone (a projection of the own
    store, whose live rows are written with the events)."""

    @property
    def types(self) -> frozenset[str]:
        """Full names of the messages."""
        return frozenset(message.DESCRIPTOR.full_name for message in self.handlers)
