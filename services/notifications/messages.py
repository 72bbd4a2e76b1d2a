"""What a customer is told about an event: a pure function for each type of message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from causeway.orders.v1.events_pb2 import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderRejected,
    OrderShipped,
)
from causeway.users.v1.events_pb2 import UserRegistered
from services.notifications.money import written


@dataclass(frozen=True, slots=True)
class Notice:
    """Plain text about the resource `subject`, for the user `recipient` (`users/{id}`)."""

    recipient: str
    subject: str
    title: str
    body: str


def welcome(event: UserRegistered) -> Notice:
    """Greets a new user."""
    name = f"users/{event.user_id}"
    # Whose address it is was not proven: a user name that could be a link is not told to it.
    known = "" if "." in event.username else f" as {event.username}"
    body = f"You are registered{known}.\nYour credit limit is {written(event.credit_limit)}."
    return Notice(name, name, "Welcome to Causeway", body)


def created(event: OrderCreated) -> Notice:
    """Repeats the order, line by line."""
    lines = [f"{item.quantity} × {item.sku} at {written(item.unit_price)}" for item in event.items]
    lines.append(f"Total: {written(event.total)}")
    return _order(event, "PENDING", "We have your order", "Its credit is being checked.", *lines)


def confirmed(event: OrderConfirmed) -> Notice:
    """The order stands."""
    total = f"Total: {written(event.total)}"
    return _order(event, "CONFIRMED", "Your order is confirmed", "We prepare it now.", total)


def rejected(event: OrderRejected) -> Notice:
    """The order does not stand, and why."""
    return _order(event, "REJECTED", "Your order was rejected", event.reason)


def cancelled(event: OrderCancelled) -> Notice:
    """The order was taken back."""
    text = f"{written(event.total)} of your credit is free again if it was reserved."
    return _order(event, "CANCELLED", "Your order is cancelled", text)


def shipped(event: OrderShipped) -> Notice:
    """The goods left."""
    return _order(event, "SHIPPED", "Your order is on its way", "The goods have left.")


def delivered(event: OrderDelivered) -> Notice:
    """The goods arrived."""
    return _order(event, "DELIVERED", "Your order has arrived", "The goods were delivered.")


def _order(event: Any, state: str, title: str, *lines: str) -> Notice:
    name = f"orders/{event.order_id}"
    body = "\n".join([f"Order: {name}", f"State: {state}", "", *filter(None, lines)])
    return Notice(event.customer, name, f"{title}: {name}", body)


# Each function takes the message type that it is filed under.
MESSAGES: Mapping[type[Message], Callable[[Any], Notice]] = {
    UserRegistered: welcome,
    OrderCreated: created,
    OrderConfirmed: confirmed,
    OrderRejected: rejected,
    OrderCancelled: cancelled,
    OrderShipped: shipped,
    OrderDelivered: delivered,
}
