"""Rows as parameters of a statement that takes a list a column."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any


def columns(rows: Collection[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Lay rows out as columns; one that is the same in every row has one place, for
    `coalesce(name, ($1::text[])[1])`, so none of them may be None.

    asyncpg looks for a list in each place of a list, which costs more than the place.
    """
    for column in zip(*rows, strict=True):
        yield column[:1] if column.count(column[0]) == len(column) else column
