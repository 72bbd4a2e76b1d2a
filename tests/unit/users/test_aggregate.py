from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import Message
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from causeway.users.v1.events_pb2 import (
    CreditDenied,
    CreditReleased,
    CreditReserved,
    UserDeactivated,
    UserRegistered,
    UserUpdated,
)
from services.users import aggregate
from services.users.aggregate import Answer, Claim, User, claim_of, evolve
from services.users.money import NANOS, to_money, to_nanos

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def euros(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="EUR", units=units, nanos=nanos)


class Account:
    """A user and its claims, as the store keeps them."""

    def __init__(self, limit: int = 500) -> None:
        (registered,) = aggregate.register("u1", "ann", "Ann", "ann@example.org", limit * NANOS)
        self.user: User = evolve(None, registered, START)
        self.claims: dict[str, Claim] = {}

    def apply(self, events: Sequence[Message]) -> list[Message]:
        for event in events:
            self.user = evolve(self.user, event, self.user.update_time + timedelta(seconds=1))
            answered = claim_of(event)
            if answered:
                self.claims[answered[0]] = answered[1]
        return list(events)

    def reserve(self, order: str, amount: Money) -> list[Message]:
        claim = self.claims.get(order)
        return self.apply(aggregate.reserve_credit(self.user, claim, order, amount))

    def release(self, order: str) -> list[Message]:
        return self.apply(aggregate.release_credit(self.user, self.claims.get(order), order))


def test_a_new_user_has_its_limit_and_nothing_reserved() -> None:
    user = Account(500).user
    assert (user.credit_limit, user.reserved, user.version) == (500 * NANOS, 0, 1)
    assert user.active


def test_credit_is_reserved_up_to_the_last_nano_and_denied_beyond_it() -> None:
    account = Account(10)
    assert account.reserve("orders/1", euros(9, 999_999_999)) == [
        CreditReserved(user_id="u1", order="orders/1", amount=euros(9, 999_999_999))
    ]
    (denied,) = account.reserve("orders/2", euros(0, 2))
    assert isinstance(denied, CreditDenied)
    assert denied.reason == "The order exceeds the credit that is left."
    assert isinstance(account.reserve("orders/3", euros(0, 1))[0], CreditReserved)
    assert account.user.reserved == account.user.credit_limit


def test_an_order_is_answered_once() -> None:
    account = Account(10)
    assert account.reserve("orders/1", euros(4))
    assert account.reserve("orders/1", euros(4)) == []
    assert account.reserve("orders/2", euros(7))
    assert account.reserve("orders/2", euros(1)) == []
    assert account.user.reserved == 4 * NANOS


def test_a_cancelled_order_gives_its_credit_back_once() -> None:
    account = Account(10)
    account.reserve("orders/1", euros(4))
    assert account.release("orders/1") == [
        CreditReleased(user_id="u1", order="orders/1", amount=euros(4))
    ]
    assert account.release("orders/1") == []
    assert account.user.reserved == 0
    assert account.claims["orders/1"].answer is Answer.RELEASED


def test_an_order_cancelled_before_its_creation_is_seen_ends_released() -> None:
    account = Account(10)
    assert account.release("orders/1") == [
        CreditReleased(user_id="u1", order="orders/1", amount=euros(0))
    ]
    assert account.reserve("orders/1", euros(4)) == []
    assert account.user.reserved == 0


def test_a_denied_order_that_is_cancelled_releases_nothing() -> None:
    account = Account(1)
    account.reserve("orders/1", euros(2))
    assert account.release("orders/1") == []


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (Money(currency_code="USD", units=1), "Credit is in EUR only."),
        (euros(-1), "The amount is negative."),
        (euros(11), "The order exceeds the credit that is left."),
    ],
)
def test_an_amount_that_is_not_to_be_had_is_denied_with_its_reason(
    amount: Money, reason: str
) -> None:
    (denied,) = Account(10).reserve("orders/1", amount)
    assert isinstance(denied, CreditDenied)
    assert denied.reason == reason


def test_a_deactivated_user_gets_no_credit() -> None:
    account = Account()
    account.apply([UserDeactivated(user_id="u1")])
    (denied,) = account.reserve("orders/1", euros(1))
    assert isinstance(denied, CreditDenied)
    assert denied.reason == "The account is deactivated."


def test_a_deactivated_user_gets_back_what_a_cancelled_order_held() -> None:
    account = Account()
    account.reserve("orders/1", euros(100))
    (deactivated,) = account.apply(aggregate.deactivate(account.user, "fraud"))
    assert deactivated == UserDeactivated(user_id="u1", reason="fraud")
    assert aggregate.deactivate(account.user, "again") == []
    account.release("orders/1")
    assert account.user.reserved == 0


def test_an_update_says_both_values_and_what_is_so_already_is_no_event() -> None:
    account = Account()
    (updated,) = account.apply(aggregate.update(account.user, None, "new@example.org"))
    assert updated == UserUpdated(user_id="u1", display_name="Ann", email="new@example.org")
    assert aggregate.update(account.user, "Ann", "new@example.org") == []
    account.apply(aggregate.update(account.user, "", None))
    assert (account.user.display_name, account.user.email) == ("", "new@example.org")


def test_a_limit_below_what_is_reserved_stands_and_denies_what_comes() -> None:
    account = Account(10)
    account.reserve("orders/1", euros(8))
    assert account.apply(aggregate.set_credit_limit(account.user, 5 * NANOS))
    assert isinstance(account.reserve("orders/2", euros(1))[0], CreditDenied)
    assert account.user.reserved == 8 * NANOS


def test_the_same_limit_again_is_no_event() -> None:
    assert aggregate.set_credit_limit(Account(10).user, 10 * NANOS) == []


def test_a_user_is_registered_once_and_first() -> None:
    account = Account()
    with pytest.raises(ValueError, match="registered twice"):
        evolve(account.user, UserRegistered(user_id="u1"), START)
    with pytest.raises(ValueError, match="can't follow"):
        evolve(None, CreditReserved(user_id="u1"), START)


@given(st.integers(-(10**18), 10**18))
def test_money_survives_the_way_to_nanos_and_back(nanos: int) -> None:
    assert to_nanos(to_money(nanos)) == nanos


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 4 * NANOS)), max_size=30)
)
def test_whatever_happens_credit_adds_up_and_is_never_overspent(
    steps: list[tuple[bool, int, int]],
) -> None:
    account = Account(10)
    for reserves, number, nanos in steps:
        order = f"orders/{number}"
        if reserves:
            account.reserve(order, to_money(nanos))
        else:
            account.release(order)
        held = [c.amount for c in account.claims.values() if c.answer is Answer.RESERVED]
        assert account.user.reserved == sum(held)
        assert 0 <= account.user.reserved <= account.user.credit_limit
