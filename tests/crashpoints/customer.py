"""A customer of a run, and what the platform has promised by its answers."""

from dataclasses import dataclass, field
from datetime import datetime

from causeway.orders.v1 import order_service_pb2 as orders

State = orders.Order.State
EUR = 1_000_000_000
"""Nanos."""


@dataclass
class Placed:
    """An order, the state that it must end in, and whether its credit stays reserved."""

    name: str
    total: int
    end: int
    holds: bool


@dataclass
class Customer:
    """Who it is, what it asked for, and what others did for its sake. Amounts in nanos."""

    username: str
    id: str = ""
    orders: list[Placed] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    """Of its credit, one after the other, as an operator set them."""
    prices: list[int] = field(default_factory=list)
    """Of its product, one after the other."""
    published: list[tuple[str, int]] = field(default_factory=list)
    """Id and pieces of each event about the stock of its product, in order."""
    read: list[tuple[str, datetime]] = field(default_factory=list)
    """A notification, and since when it is read, by each answer."""
    replays: list[str] = field(default_factory=list)
    """Of the events about its product, by their names."""
    forgetful: bool = False
    """Whether its requests are left half done, as by a process that died, and never repeated."""

    @property
    def first_address(self) -> str:
        """Where its mails go until it moves, and may go while it does."""
        return f"{self.username}@example.org"

    @property
    def last_address(self) -> str:
        """Where it is in the end."""
        return f"{self.username}@example.net"

    @property
    def stillborn(self) -> str:
        """The name of somebody who gave up registering."""
        return f"no-{self.username}"

    @property
    def sku(self) -> str:
        """Of the product that is made for it."""
        return self.username

    @property
    def source(self) -> str:
        """Who publishes about that."""
        return f"/shops/{self.username}"
