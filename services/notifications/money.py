"""Amounts as mails write them."""

from google.type.money_pb2 import Money

NANOS = 1_000_000_000


def written(money: Money) -> str:
    """Exact, with at least two decimals: "12.50 EUR", "0.000000001 EUR"."""
    nanos = int(money.units) * NANOS + int(money.nanos)
    units, rest = divmod(abs(nanos), NANOS)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{units}.{decimals} {money.currency_code}"
