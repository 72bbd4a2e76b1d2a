"""Orders and Users together, each event on its way for as long as it likes: credit adds up."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from causeway.orders.v1.events_pb2 import OrderCancelled, OrderCreated
from causeway.users.v1.events_pb2 import CreditDenied, CreditReleased, CreditReserved
from services.orders import aggregate as orders
from services.orders.aggregate import Line, Order, Refused, State
from services.users import aggregate as users
from services.users.aggregate import Claim
from services.users.money import to_nanos

NOW = datetime(2026, 11, 26, tzinfo=UTC)
LIMIT = 100
HOLDING = {State.CONFIRMED, State.SHIPPED, State.DELIVERED}
Step: TypeAlias = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "cancel", "ship", "deliver", "to_users", "to_orders", "again"]),
        st.integers(0, 70),
    ),
    min_size=25,  # lists of any length are mostly too short to get anywhere
    max_size=60,
)


class World:
    """Both services as pure aggregates, and the topics between them: in order per key alone."""

    def __init__(self) -> None:
        (registered,) = users.register("u1", "alice", "Alice", "a@example.com", LIMIT)
        self.user = users.evolve(None, registered, NOW)
        self.claims: dict[str, Claim] = {}
        self.orders: list[Order] = []
        self.to_users: defaultdict[int, list[Message]] = defaultdict(list)
        self.to_orders: list[Message] = []
        self.credit_events: list[Any] = []
        self.asked: list[Message] = []

    def step(self, what: str, number: int) -> None:
        """One thing happens; `number` says to which order, or how dear a new one is."""
        if what == "place":
            self._record(
                len(self.orders),
                orders.create(f"{len(self.orders)}", "users/u1", "EUR", [Line("book", 1, number)]),
            )
        elif what == "to_orders" and self.to_orders:
            self._decided(self.to_orders.pop(0))
        elif what == "again":
            self.repeat(number)
        elif self.orders:
            at = number % len(self.orders)
            if what == "to_users" and self.to_users[at]:
                self.asked.append(self.to_users[at].pop(0))
                self._asked(self.asked[-1])
            elif what in COMMANDS:
                self._record(at, COMMANDS[what](self.orders[at]))

    def repeat(self, number: int) -> None:
        """One more time, what the inboxes would keep away: nothing may change without them."""
        if self.asked:
            self._asked(self.asked[number % len(self.asked)])
        if self.credit_events:
            self._decided(self.credit_events[number % len(self.credit_events)])

    def drain(self) -> None:
        """All that is on its way arrives."""
        while self.to_orders or any(self.to_users.values()):
            self.step("to_orders", 0)
            for number in range(len(self.orders)):
                self.step("to_users", number)

    def _record(self, at: int, decision: orders.Decision) -> None:
        if isinstance(decision, Refused):
            return
        for event in decision:
            if at == len(self.orders):
                self.orders.append(orders.evolve(None, event, NOW))
            else:
                self.orders[at] = orders.evolve(self.orders[at], event, NOW)
            self.to_users[at].append(event)

    def _asked(self, event: Message) -> None:
        if isinstance(event, OrderCreated):
            name = f"orders/{event.order_id}"
            claim = self.claims.get(name)
            self._answer(users.reserve_credit(self.user, claim, name, event.total))
        elif isinstance(event, OrderCancelled):
            name = f"orders/{event.order_id}"
            self._answer(users.release_credit(self.user, self.claims.get(name), name))

    def _answer(self, events: Sequence[Message]) -> None:
        for event in events:
            self.user = users.evolve(self.user, event, NOW)
            order, claim = users.claim_of(event) or ("", None)
            if claim is not None:
                self.claims[order] = claim
            self.to_orders.append(event)
            self.credit_events.append(event)

    def _decided(self, event: Any) -> None:
        at = int(event.order.removeprefix("orders/"))
        if isinstance(event, CreditReserved):
            self._record(at, orders.confirm(self.orders[at]))
        elif isinstance(event, CreditDenied):
            self._record(at, orders.reject(self.orders[at], event.reason))


COMMANDS = {"cancel": orders.cancel, "ship": orders.ship, "deliver": orders.deliver}


@settings(max_examples=50)
@given(STEPS)
def test_whenever_an_order_is_cancelled_its_credit_is_released_exactly_once(
    steps: list[Step],
) -> None:
    world = World()
    for what, number in steps:
        world.step(what, number)
        assert 0 <= world.user.reserved <= LIMIT
    world.drain()
    assert all(order.state is not State.PENDING for order in world.orders)
    held = sum(order.total for order in world.orders if order.state in HOLDING)
    assert world.user.reserved == held
    released = Counter(e.order for e in world.credit_events if isinstance(e, CreditReleased))
    reserved = {e.order: e.amount for e in world.credit_events if isinstance(e, CreditReserved)}
    for order in world.orders:
        if order.state is State.CANCELLED and order.name in reserved:
            assert released[order.name] == 1
        assert released[order.name] <= 1
    given_back = sum(
        to_nanos(e.amount) for e in world.credit_events if isinstance(e, CreditReleased)
    )
    assert sum(map(to_nanos, reserved.values())) - given_back == held
