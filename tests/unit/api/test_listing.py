"""Lists of several stores are merged into one, whose pages neither repeat nor lose a row."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.api.listing import Part, cursor_of, merge, places_of

Table = Mapping[str, Sequence[tuple[int, float]]]
"""By store: place and time of each row, in order of places."""


def read(table: Table, name: str, after: int, limit: int) -> Part:
    rows = [{"place": p, "time": t, "id": f"{name}{p}"} for p, t in table[name] if p > after]
    return Part(rows[:limit], more=len(rows) > limit)


def all_pages(table: Table, size: int, fetched: int) -> list[list[str]]:
    """Read to the end; each store gives at most `fetched` rows a page."""
    pages: list[list[str]] = []
    places: dict[str, int] = {}
    while True:
        places = places_of(tuple(cursor_of(places)))
        parts = {name: read(table, name, places.get(name, 0), fetched) for name in table}
        merged = merge(parts, time_of, size)
        pages.append([row["id"] for _, row in merged.rows])
        if not merged.more:
            return pages
        assert merged.rows, "a page that has a next one is not empty"
        places |= merged.places


def time_of(row: Any) -> float:
    return float(row["time"])


def test_rows_of_several_stores_come_in_the_order_of_time() -> None:
    table = {"a": [(1, 1.0), (2, 4.0)], "b": [(7, 2.0), (9, 3.0)], "c": []}
    assert all_pages(table, 10, 10) == [["a1", "b7", "b9", "a2"]]
    assert all_pages(table, 3, 10) == [["a1", "b7", "b9"], ["a2"]]


def test_a_store_that_gave_all_it_may_ends_the_page_before_its_next_row_is_passed_by() -> None:
    table = {"a": [(1, 1.0), (2, 2.0)], "b": [(1, 5.0)]}
    assert all_pages(table, 10, 1) == [["a1"], ["a2", "b1"]]


def test_the_last_page_is_known_as_the_last() -> None:
    table = {"a": [(1, 1.0), (2, 2.0)]}
    assert all_pages(table, 2, 3) == [["a1", "a2"]]
    assert all_pages({"a": []}, 2, 3) == [[]]


TABLES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.lists(st.floats(0, 100), max_size=8).map(lambda times: list(enumerate(times, start=1))),
    min_size=1,
)


@given(table=TABLES, size=st.integers(1, 5), fetched=st.integers(1, 6))
def test_pages_of_any_size_hold_each_row_once_and_in_one_order(
    table: Table, size: int, fetched: int
) -> None:
    whole = [row for page in all_pages(table, 1000, 1000) for row in page]
    paged = [row for page in all_pages(table, size, fetched) for row in page]
    assert paged == whole
    assert sorted(paged) == sorted(f"{name}{place}" for name in table for place, _ in table[name])
