"""What a customer's server may write into `Retry-After`."""

from datetime import UTC, datetime

import pytest

from services.notifications.retry_after import SHORTEST, seconds_of

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", SHORTEST),
        ("Thu, 26 Nov 2026 12:01:30 GMT", 90),
        ("Thu, 26 Nov 2026 13:01:30 +0100", 90),
        ("Thu, 26 Nov 2026 12:01:30 -0000", 90),
        ("Thu, 26 Nov 2026 11:00:00 GMT", SHORTEST),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251606606399),
    ],
)
def test_a_number_and_a_date_say_how_long_to_wait(value: str, seconds: float) -> None:
    assert seconds_of(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "-5",
        "1.5",
        "٣٠",
        "Thu, 26 Nov 2026 99:99:99 GMT",
        "Thu, 26 Nov 99999999999999999999 12:00:00 GMT",
        "Thu, 26 Nov 9999999999 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00 +99999999999999999999",
        "Thu, 99999999999999999999 Nov 2026 12:00:00 GMT",
    ],
)
def test_what_says_nothing_is_the_shortest_wait(value: str) -> None:
    assert seconds_of(value, NOW) == SHORTEST
