"""Points in time as a person types them, and as the program shows them."""

import re
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from stack.errors import Code, StackError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
AGO = re.compile(r"(\d{1,9})([smhd])")


def moment(text: str | None, option: str, now: datetime | None = None) -> Timestamp | None:
    """Read `15m`, `2h`, `3d` (ago), or `2026-11-26T09:00:00Z`; a time without a zone is local.

    None stays None. StackError SETTING_INVALID (usage) names `option`.
    """
    if text is None:
        return None
    found = Timestamp()
    try:
        found.FromDatetime(_read(text.strip(), now or datetime.now(UTC)))
    except (ValueError, OverflowError):
        raise StackError(
            Code.SETTING_INVALID,
            f"{option} {text}: neither a time like 2026-11-26T09:00:00Z nor an age like 15m or 2h",
            f"the same with {option} 1h",
            usage=True,
        ) from None
    return found


def _read(text: str, now: datetime) -> datetime:
    if age := AGO.fullmatch(text):
        return now - timedelta(seconds=int(age[1]) * UNITS[age[2]])
    return datetime.fromisoformat(text).astimezone(UTC)


def shown(time: Timestamp) -> str:
    """`2026-11-26 09:00:00.123`, UTC."""
    return time.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def elapsed(start: Timestamp, end: Timestamp) -> str:
    """`+48 ms`, `+3.2 s`, `+12 m`, `+4 h`: how long after another time."""
    seconds = (end.ToNanoseconds() - start.ToNanoseconds()) / 1e9
    sign, seconds = ("-" if seconds < 0 else "+"), abs(seconds)
    for limit, factor, word in ((1, 1000, "ms"), (120, 1, "s"), (7200, 1 / 60, "m")):
        if seconds < limit:
            digits = 1 if word == "s" and seconds < 10 else 0
            return f"{sign}{seconds * factor:.{digits}f} {word}"
    return f"{sign}{seconds / 3600:.0f} h"
