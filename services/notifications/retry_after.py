"""Reads `Retry-After` (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHORTEST = 1.0


def seconds_of(value: str, now: datetime) -> float:
    """Seconds to wait from `now`, from a number of them or a date; at least one, also for none."""
    if value.isascii() and value.isdecimal():
        return max(SHORTEST, float(value))
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter for a year or a zone beyond all numbers
        return SHORTEST
    # A date in UTC without a zone ("-0000") has none.
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(SHORTEST, (date - now).total_seconds())
