"""What a person types: times and names of types."""

from datetime import UTC, datetime

import pytest

from stack.audit.event_types import full_type, known_types
from stack.audit.letters import chosen, refuse_everything
from stack.audit.moments import elapsed, moment
from stack.errors import Code, StackError

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90s", "2026-11-26T11:58:30Z"),
        ("15m", "2026-11-26T11:45:00Z"),
        ("2h", "2026-11-26T10:00:00Z"),
        ("3d", "2026-11-23T12:00:00Z"),
        ("2026-11-26T09:00:00Z", "2026-11-26T09:00:00Z"),
        ("2026-11-26T09:00:00+02:00", "2026-11-26T07:00:00Z"),
    ],
)
def test_an_age_or_a_time_is_a_point_in_time(text: str, wanted: str) -> None:
    found = moment(text, "--since", NOW)
    assert found is not None
    assert found.ToJsonString() == wanted


@pytest.mark.parametrize("text", ["yesterday", "15", "m", "-3d", "999999999d", ""])
def test_what_is_no_time_is_wrong_usage_that_names_the_option(text: str) -> None:
    with pytest.raises(StackError) as caught:
        moment(text, "--until", NOW)
    assert caught.value.usage
    assert caught.value.code is Code.SETTING_INVALID
    assert "--until" in caught.value.cause


def test_no_time_stays_none() -> None:
    assert moment(None, "--since") is None


def test_how_long_after_is_told_in_one_unit() -> None:
    begin = moment("2026-11-26T09:00:00Z", "")
    assert begin is not None
    spans = ("0.012", "1.5", "90", "600", "90000")
    found = []
    for seconds in spans:
        end = type(begin)()
        end.FromNanoseconds(begin.ToNanoseconds() + round(float(seconds) * 1e9))
        found.append(elapsed(begin, end))
    assert found == ["+12 ms", "+1.5 s", "+90 s", "+10 m", "+25 h"]
    assert elapsed(end, begin) == "-25 h"


def test_a_type_may_be_named_by_its_last_part() -> None:
    known = known_types()
    assert full_type("OrderCreated", known) == "causeway.orders.v1.OrderCreated"
    assert full_type("causeway.users.v1.UserUpdated", known) == "causeway.users.v1.UserUpdated"
    assert full_type("shop.v1.Sold", known) == "shop.v1.Sold"


def test_a_type_that_is_none_is_wrong_usage_with_what_comes_near() -> None:
    with pytest.raises(StackError) as caught:
        full_type("OrderCreate", known_types())
    assert caught.value.usage
    assert "OrderCreated" in caught.value.cause
    with pytest.raises(StackError) as caught:
        full_type("A", ["x.A", "y.A"])
    assert "x.A, y.A" in caught.value.cause


def test_dead_letters_are_named_with_or_without_their_collection() -> None:
    names = chosen(["orders-1", "deadLetters/users-2"], "", "", "", "").names
    assert list(names) == ["deadLetters/orders-1", "deadLetters/users-2"]


def test_nothing_chosen_is_not_everything() -> None:
    with pytest.raises(StackError) as caught:
        refuse_everything(chosen([], "", "", "", ""), "discard")
    assert caught.value.usage
    refuse_everything(chosen([], "g", "", "", ""), "discard")
