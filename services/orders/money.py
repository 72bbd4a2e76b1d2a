"""Exact amounts: whole nanos of a currency in Python's unbounded integers, never floats."""

from google.type.money_pb2 import Money

NANOS = 1_000_000_000
"""Nanos of one unit, as `google.type.Money` counts."""


def to_nanos(money: Money) -> int:
    """Whole nanos: 12.50 -> 12_500_000_000."""
    return int(money.units) * NANOS + int(money.nanos)


def to_money(nanos: int, currency: str) -> Money:
    """The message for an amount; units and nanos carry the same sign, as its rules demand."""
    units, rest = divmod(abs(nanos), NANOS)
    sign = -1 if nanos < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)
