"""The life of one order, pure: a decision returns events, `evolve` folds them into the state.

PENDING ─ confirm ─► CONFIRMED ─ ship ─► SHIPPED ─ deliver ─► DELIVERED
   │ └──── reject ─► REJECTED
   └─ cancel (also from CONFIRMED) ─► CANCELLED
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import TypeAlias

from google.protobuf.message import Message

from causeway.orders.v1.events_pb2 import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderRejected,
    OrderShipped,
)
from services.orders.money import to_money, to_nanos


class State(IntEnum):
    """The numbers are those of `causeway.orders.v1.Order.State`."""

    PENDING = 1
    CONFIRMED = 2
    REJECTED = 3
    CANCELLED = 4
    SHIPPED = 5
    DELIVERED = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line; the price of a single piece is in nanos of the order's currency."""

    sku: str
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order after `version` events; `total` is in nanos of `currency`."""

    id: str
    customer: str
    lines: tuple[Line, ...]
    currency: str
    total: int
    state: State
    version: int
    create_time: datetime
    update_time: datetime
    reject_reason: str = ""

    @property
    def name(self) -> str:
        """Its resource name, `orders/{id}`."""
        return f"orders/{self.id}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision against a command, in words for its caller."""

    message: str


Decision: TypeAlias = Sequence[Message] | Refused


def create(order_id: str, customer: str, currency: str, lines: Sequence[Line]) -> Decision:
    """Place an order at the given prices."""
    total = sum(line.quantity * line.unit_price for line in lines)
    items = [
        OrderCreated.Item(
            sku=line.sku,
            quantity=line.quantity,
            unit_price=to_money(line.unit_price, currency),
        )
        for line in lines
    ]
    created = OrderCreated(
        order_id=order_id, customer=customer, items=items, total=to_money(total, currency)
    )
    return [created]


def confirm(order: Order) -> Decision:
    """Credit is reserved. Nothing happens unless the order waits for it: one that was cancelled
    meanwhile stays so, and Users releases its credit on `OrderCancelled`."""
    if order.state is not State.PENDING:
        return []
    total = to_money(order.total, order.currency)
    return [OrderConfirmed(order_id=order.id, customer=order.customer, total=total)]


def reject(order: Order, reason: str) -> Decision:
    """Credit is denied. Nothing happens unless the order waits for the decision."""
    if order.state is not State.PENDING:
        return []
    return [OrderRejected(order_id=order.id, customer=order.customer, reason=reason)]


def cancel(order: Order) -> Decision:
    """Take the order back before it is shipped."""
    if order.state not in (State.PENDING, State.CONFIRMED):
        return _not_allowed(order, "cancelled")
    total = to_money(order.total, order.currency)
    return [OrderCancelled(order_id=order.id, customer=order.customer, total=total)]


def ship(order: Order) -> Decision:
    """Send the goods of a confirmed order."""
    if order.state is not State.CONFIRMED:
        return _not_allowed(order, "shipped")
    return [OrderShipped(order_id=order.id, customer=order.customer)]


def deliver(order: Order) -> Decision:
    """Hand over the goods of a shipped order."""
    if order.state is not State.SHIPPED:
        return _not_allowed(order, "delivered")
    return [OrderDelivered(order_id=order.id, customer=order.customer)]


def _not_allowed(order: Order, participle: str) -> Refused:
    return Refused(f"{order.name} is {order.state.name} and can't be {participle}")


def evolve(order: Order | None, event: Message, time: datetime) -> Order:
    """The state after one more event. ValueError: this event can't follow that state."""
    if isinstance(event, OrderCreated):
        if order is not None:
            raise ValueError(f"{order.name} is created twice")
        return _created(event, time)
    step = STEPS.get(type(event))
    if step is None or order is None:
        raise ValueError(f"{type(event).__name__} can't follow {order and order.state.name}")
    return replace(step(order, event), version=order.version + 1, update_time=time)


def _created(event: OrderCreated, time: datetime) -> Order:
    lines = (Line(item.sku, item.quantity, to_nanos(item.unit_price)) for item in event.items)
    return Order(
        id=event.order_id,
        customer=event.customer,
        lines=tuple(lines),
        currency=event.total.currency_code,
        total=to_nanos(event.total),
        state=State.PENDING,
        version=1,
        create_time=time,
        update_time=time,
    )


def _to(state: State) -> Callable[[Order, Message], Order]:
    return lambda order, _event: replace(order, state=state)


def _rejected(order: Order, event: Message) -> Order:
    reason = getattr(event, "reason", "")
    return replace(order, state=State.REJECTED, reject_reason=reason)


STEPS: dict[type[Message], Callable[[Order, Message], Order]] = {
    OrderConfirmed: _to(State.CONFIRMED),
    OrderRejected: _rejected,
    OrderCancelled: _to(State.CANCELLED),
    OrderShipped: _to(State.SHIPPED),
    OrderDelivered: _to(State.DELIVERED),
}
