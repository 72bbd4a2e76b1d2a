from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from services.orders.money import to_money, to_nanos


@given(st.integers(-(10**21), 10**21))
def test_an_amount_survives_the_message_exactly(nanos: int) -> None:
    money = to_money(nanos, "EUR")
    assert to_nanos(money) == nanos
    assert money.units * money.nanos >= 0, "units and nanos must not differ in sign"


def test_an_amount_that_no_float_holds_is_exact() -> None:
    assert to_nanos(Money(currency_code="EUR", units=9_007_199_254_740_993, nanos=1)) == (
        9_007_199_254_740_993_000_000_001
    )


def test_cents_are_nanos() -> None:
    assert to_money(12_500_000_000, "EUR") == Money(
        currency_code="EUR", units=12, nanos=500_000_000
    )
