"""Queries by name."""

from pathlib import Path

import pytest

import bridge.sql
from bridge.sql import queries, read

FILES = sorted(path.stem for path in Path(bridge.sql.__file__).parent.glob("*.sql"))


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_named_and_described(file: str) -> None:
    assert all(text.strip() for text in queries(file).values())


def test_comments_are_left_out() -> None:
    assert read("-- one --\n-- What it does.\nSELECT 1\n  -- here\n  + 1\n") == {
        "one": "SELECT 1\n  + 1"
    }


def test_a_name_used_twice_is_refused() -> None:
    query = "-- one --\n-- What.\nSELECT 1\n"
    with pytest.raises(ValueError, match="twice"):
        read(query + query)


def test_a_query_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match="without a description"):
        read("-- one --\nSELECT 1\n")
