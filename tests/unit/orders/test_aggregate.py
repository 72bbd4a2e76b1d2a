from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from causeway.orders.v1 import order_service_pb2
from causeway.orders.v1.events_pb2 import OrderConfirmed, OrderCreated, OrderRejected
from services.orders import aggregate
from services.orders.aggregate import Line, Order, Refused, State, evolve

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LINES = (Line("book", 3, 12_500_000_000), Line("gum", 7, 1), Line("desk", 1, 250_000_000_000))
COMMANDS = {
    "confirm": aggregate.confirm,
    "reject": lambda order: aggregate.reject(order, "too dear"),
    "cancel": aggregate.cancel,
    "ship": aggregate.ship,
    "deliver": aggregate.deliver,
}
PATHS: dict[State, tuple[str, ...]] = {
    State.PENDING: (),
    State.CONFIRMED: ("confirm",),
    State.REJECTED: ("reject",),
    State.CANCELLED: ("cancel",),
    State.SHIPPED: ("confirm", "ship"),
    State.DELIVERED: ("confirm", "ship", "deliver"),
}
TRANSITIONS = {
    (State.PENDING, "confirm"): State.CONFIRMED,
    (State.PENDING, "reject"): State.REJECTED,
    (State.PENDING, "cancel"): State.CANCELLED,
    (State.CONFIRMED, "cancel"): State.CANCELLED,
    (State.CONFIRMED, "ship"): State.SHIPPED,
    (State.SHIPPED, "deliver"): State.DELIVERED,
}


def place() -> Order:
    (event,) = events(aggregate.create("o1", "users/u1", "EUR", LINES))
    return evolve(None, event, START)


def events(decision: aggregate.Decision) -> list[Message]:
    assert not isinstance(decision, Refused), decision
    return list(decision)


def order_in(state: State) -> Order:
    order = place()
    for step in PATHS[state]:
        (event,) = events(COMMANDS[step](order))
        order = evolve(order, event, order.update_time + timedelta(seconds=1))
    return order


def test_a_new_order_waits_for_credit_and_has_the_exact_total() -> None:
    order = place()
    assert (order.state, order.version, order.customer) == (State.PENDING, 1, "users/u1")
    assert order.total == 287_500_000_007
    assert order.lines == LINES


def test_the_event_of_a_new_order_carries_prices_and_total() -> None:
    (event,) = events(aggregate.create("o1", "users/u1", "EUR", LINES))
    assert isinstance(event, OrderCreated)
    assert event.total == Money(currency_code="EUR", units=287, nanos=500_000_007)
    assert event.items[1].unit_price == Money(currency_code="EUR", nanos=1)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", COMMANDS)
def test_only_the_drawn_transitions_happen(state: State, command: str) -> None:
    order = order_in(state)
    assert order.state is state
    decision = COMMANDS[command](order)
    target = TRANSITIONS.get((state, command))
    if target is not None:
        (event,) = events(decision)
        after = evolve(order, event, START + timedelta(hours=1))
        assert (after.state, after.version) == (target, order.version + 1)
        assert (after.create_time, after.update_time) == (START, START + timedelta(hours=1))
    elif command in ("confirm", "reject"):
        assert decision == [], "a late credit decision changes nothing"
    else:
        assert isinstance(decision, Refused)
        assert state.name in decision.message


def test_a_rejected_order_says_why() -> None:
    assert order_in(State.REJECTED).reject_reason == "too dear"


def test_the_confirmation_carries_the_total() -> None:
    (event,) = events(aggregate.confirm(place()))
    assert isinstance(event, OrderConfirmed)
    assert event.total.units == 287


def test_an_order_can_not_be_created_twice() -> None:
    (event,) = events(aggregate.create("o1", "users/u1", "EUR", LINES))
    with pytest.raises(ValueError, match="twice"):
        evolve(place(), event, START)


def test_a_stream_can_not_begin_with_another_event() -> None:
    with pytest.raises(ValueError, match="OrderRejected"):
        evolve(None, OrderRejected(order_id="o1"), START)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValueError, match="Money"):
        evolve(place(), Money(), START)


def test_the_states_have_the_numbers_of_the_proto() -> None:
    for state in State:
        assert order_service_pb2.Order.State.keys()[state] == f"STATE_{state.name}"
