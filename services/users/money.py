"""Exact amounts: whole nanos of a euro in Python's unbounded integers, never floats."""

from google.type.money_pb2 import Money

NANOS = 1_000_000_000
"""Nanos of one unit, as `google.type.Money` counts."""

CURRENCY = "EUR"
"""The only currency of credit."""


def to_nanos(money: Money) -> int:
    """Whole nanos: 12.50 -> 12_500_000_000."""
    return int(money.units) * NANOS + int(money.nanos)


def to_money(nanos: int) -> Money:
    """The message for an amount in EUR; units and nanos have the same sign, as its rules demand."""
    units, rest = divmod(abs(nanos), NANOS)
    sign = -1 if nanos < 0 else 1
    return Money(currency_code=CURRENCY, units=sign * units, nanos=sign * rest)
