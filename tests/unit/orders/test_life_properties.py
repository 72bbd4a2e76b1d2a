"""What holds for every order, whatever it holds and whatever is asked of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from causeway.orders.v1.events_pb2 import OrderCreated
from services.orders import aggregate
from services.orders.aggregate import Decision, Line, Order, Refused, State, evolve
from services.orders.money import to_nanos

START = datetime(2026, 11, 26, tzinfo=UTC)
PRICES = st.integers(0, 1_000_000_999_999_999)
"""Nanos, up to the dearest price that the API takes."""
LINES = st.lists(
    st.builds(Line, st.sampled_from(["book", "lamp", "desk"]), st.integers(1, 10_000), PRICES),
    min_size=1,
    max_size=20,
)
COMMANDS: Mapping[str, Callable[[Order], Decision]] = {
    "confirm": aggregate.confirm,
    "reject": lambda order: aggregate.reject(order, "too dear"),
    "cancel": aggregate.cancel,
    "ship": aggregate.ship,
    "deliver": aggregate.deliver,
}
ENDED = {State.REJECTED, State.CANCELLED, State.DELIVERED}
EARLIER = {
    State.CONFIRMED: {State.PENDING},
    State.REJECTED: {State.PENDING},
    State.CANCELLED: {State.PENDING, State.CONFIRMED},
    State.SHIPPED: {State.CONFIRMED},
    State.DELIVERED: {State.SHIPPED},
}


def placed(lines: list[Line]) -> tuple[OrderCreated, Order]:
    decision = aggregate.create("o1", "users/u1", "EUR", lines)
    assert not isinstance(decision, Refused)
    (event,) = decision
    assert isinstance(event, OrderCreated)
    return event, evolve(None, event, START)


@given(LINES)
def test_the_total_is_the_exact_sum_of_its_lines(lines: list[Line]) -> None:
    event, order = placed(lines)
    money = event.total
    exact = sum(Fraction(line.unit_price, 10**9) * line.quantity for line in lines)
    assert money.units + Fraction(money.nanos, 10**9) == exact
    assert 0 <= money.nanos < 10**9
    assert (
        order.total
        == to_nanos(money)
        == sum(to_nanos(item.unit_price) * item.quantity for item in event.items)
    )


@given(LINES)
def test_what_was_ordered_survives_its_event_as_bytes(lines: list[Line]) -> None:
    event, order = placed(lines)
    read = OrderCreated.FromString(event.SerializeToString())
    assert evolve(None, read, START) == order
    assert order.lines == tuple(lines)


@given(LINES, st.lists(st.sampled_from([*COMMANDS]), max_size=12))
def test_an_order_lives_as_drawn_and_its_events_tell_it_all(
    lines: list[Line], commands: list[str]
) -> None:
    created, order = placed(lines)
    told: list[Message] = [created]
    for command in commands:
        decision = COMMANDS[command](order)
        events = [] if isinstance(decision, Refused) else list(decision)
        assert len(events) <= 1
        for event in events:
            before, order = order, evolve(order, event, order.update_time + timedelta(seconds=1))
            assert before.state in EARLIER[order.state]
            assert before.state not in ENDED
        told += events
    folded = None
    for number, event in enumerate(told):
        folded = evolve(folded, event, START + timedelta(seconds=number))
    assert folded == order
    assert (order.version, order.total, order.lines) == (len(told), sum_of(lines), tuple(lines))


def sum_of(lines: list[Line]) -> int:
    return sum(line.quantity * line.unit_price for line in lines)
