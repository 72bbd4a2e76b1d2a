from bridge.store.columns import columns


def laid_out(*rows: tuple[object, ...]) -> list[list[object]]:
    return [list(column) for column in columns(rows)]


def test_a_column_that_is_the_same_in_every_row_has_one_place() -> None:
    rows = [("a", 1, "x"), ("b", 1, "x"), ("c", 1, "y")]
    assert laid_out(*rows) == [["a", "b", "c"], [1], ["x", "x", "y"]]


def test_one_row_has_a_place_for_each() -> None:
    assert laid_out(("a", "", b"")) == [["a"], [""], [b""]]


def test_what_is_empty_in_some_rows_stays_empty_in_those() -> None:
    assert laid_out(("", 1), ("x", 1), ("", 1)) == [["", "x", ""], [1]]
