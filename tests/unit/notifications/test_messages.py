import pytest
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from causeway.orders.v1 import events_pb2 as orders
from causeway.users.v1 import events_pb2 as users
from services.notifications.messages import MESSAGES
from services.notifications.money import written

ORDER = {"order_id": "o1", "customer": "users/u1"}


def euros(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="EUR", units=units, nanos=nanos)


def test_a_created_order_is_told_with_its_items_total_and_state() -> None:
    item = orders.OrderCreated.Item(sku="book", quantity=3, unit_price=euros(12, 500_000_000))
    event = orders.OrderCreated(**ORDER, items=[item], total=euros(37, 500_000_000))
    notice = MESSAGES[type(event)](event)
    assert (notice.recipient, notice.subject) == ("users/u1", "orders/o1")
    assert notice.title == "We have your order: orders/o1"
    for text in ("Order: orders/o1", "State: PENDING", "3 × book at 12.50 EUR", "37.50 EUR"):
        assert text in notice.body


@pytest.mark.parametrize(
    ("event", "state", "text"),
    [
        (orders.OrderConfirmed(**ORDER, total=euros(5)), "CONFIRMED", "5.00 EUR"),
        (orders.OrderRejected(**ORDER, reason="Too dear."), "REJECTED", "Too dear."),
        (orders.OrderCancelled(**ORDER, total=euros(5)), "CANCELLED", "5.00 EUR"),
        (orders.OrderShipped(**ORDER), "SHIPPED", "left"),
        (orders.OrderDelivered(**ORDER), "DELIVERED", "delivered"),
    ],
)
def test_every_change_of_an_order_is_told_with_its_name_and_state(
    event: Message, state: str, text: str
) -> None:
    notice = MESSAGES[type(event)](event)
    assert "orders/o1" in notice.title
    assert f"State: {state}" in notice.body
    assert text in notice.body


def test_a_new_user_is_welcomed_with_its_credit_limit() -> None:
    event = users.UserRegistered(user_id="u1", username="ann", credit_limit=euros(500))
    notice = MESSAGES[type(event)](event)
    assert (notice.recipient, notice.title) == ("users/u1", "Welcome to Causeway")
    assert "500.00 EUR" in notice.body


@pytest.mark.parametrize(("username", "told"), [("ann", True), ("evil.example", False)])
def test_a_user_name_that_could_be_a_link_is_not_told_to_an_address_nobody_proved(
    username: str, told: bool
) -> None:
    event = users.UserRegistered(user_id="u1", username=username, credit_limit=euros(500))
    assert (username in MESSAGES[type(event)](event).body) == told


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (euros(12, 500_000_000), "12.50 EUR"),
        (euros(0), "0.00 EUR"),
        (euros(0, 1), "0.000000001 EUR"),
        (euros(-1, -50_000_000), "-1.05 EUR"),
        (euros(10**18, 999_999_999), f"{10**18}.999999999 EUR"),
    ],
)
def test_amounts_are_written_exactly(money: Money, text: str) -> None:
    assert written(money) == text
