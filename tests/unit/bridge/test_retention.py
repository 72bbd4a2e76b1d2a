"""How long is too short."""

from datetime import timedelta

import pytest

from bridge.errors import InvalidArgument
from bridge.store.cleanup import Retention


@pytest.mark.parametrize("table", ["inbox", "requests", "deliveries"])
def test_less_than_seven_days_is_refused_by_name(table: str) -> None:
    assert Retention(**{table: timedelta(days=7)})
    with pytest.raises(InvalidArgument, match=f"for {table} is too short: give 7 days"):
        Retention(**{table: timedelta(days=7) - timedelta(seconds=1)})
