from datetime import UTC, datetime
from typing import Any

from bridge.events.event import Event, Origin
from causeway.orders.v1.events_pb2 import OrderConfirmed, OrderShipped
from services.orders.aggregate import Line, State, create
from services.orders.order_log import fold

TIME = datetime(2026, 11, 23, tzinfo=UTC)


def recorded(message: Any, version: int) -> Event:
    return Event(
        id=str(version),
        type=message.DESCRIPTOR.full_name,
        source="/causeway/orders",
        stream="orders/o1",
        version=version,
        key="o1",
        time=TIME,
        message=message,
        origin=Origin(),
    )


def test_each_event_gives_one_state_and_the_versions_are_those_of_the_stream() -> None:
    (created,) = create("o1", "users/u", "EUR", [Line("book", 1, 1)])  # type: ignore[misc]
    messages = [created, OrderConfirmed(order_id="o1"), OrderShipped(order_id="o1")]
    states = fold(None, [recorded(message, i + 1) for i, message in enumerate(messages)])
    assert [state.state for state in states] == [State.PENDING, State.CONFIRMED, State.SHIPPED]
    assert [state.version for state in states] == [1, 2, 3]
    assert fold(states[0], [recorded(messages[1], 2)]) == states[1:2]


def test_nothing_folds_to_nothing() -> None:
    assert fold(None, []) == []
