"""The window: what it holds is whole, and never more than it may."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.subscribe.window import SLICE, Window
from tests.unit.subscribe.logged import ONE, OTHER, seen

SIZE = seen(ONE, 0).size


def test_a_reader_gets_what_comes_at_its_place_and_after() -> None:
    window = Window()
    window.begin(ONE, 5)
    for offset in (5, 7, 8):
        window.add(ONE, seen(ONE, offset))
    found, after = window.after(ONE, 6) or ((), 0)
    assert [one.offset for one in found] == [7, 8]
    assert after == window.next(ONE) == 9
    assert window.after(ONE, 9) == ([], 9)
    assert window.after(ONE, 4) is None, "it does not know what is there"
    assert window.after(OTHER, 0) is None


def test_a_reader_takes_no_more_at_once_than_a_slice() -> None:
    window = Window()
    window.begin(ONE, 0)
    for offset in range(SLICE + 10):
        window.add(ONE, seen(ONE, offset))
    found, after = window.after(ONE, 0) or ((), 0)
    assert (len(found), after) == (SLICE, SLICE)


def test_a_reader_takes_large_records_in_slices_of_so_many_bytes_and_at_least_one() -> None:
    window = Window()
    window.begin(ONE, 0)
    for offset, size in enumerate((40_000, 40_000, 40_000, 40_000, 300_000, 1)):
        window.add(ONE, seen(ONE, offset, customer="x" * size))
    at, slices = 0, []
    while at < window.next(ONE):
        found, at = window.after(ONE, at) or ((), 0)
        slices.append([one.offset for one in found])
    assert slices == [[0, 1, 2], [3], [4], [5]]


@given(st.lists(st.sampled_from([ONE, OTHER]), max_size=60), st.integers(1, 20))
def test_the_oldest_go_first_and_what_is_left_is_whole(written: list[object], most: int) -> None:
    window = Window(most * SIZE)
    for where in (ONE, OTHER):
        window.begin(where, 0)
    for where in (ONE if one == ONE else OTHER for one in written):
        window.add(where, seen(where, window.next(where)))
    held = []
    for where in (ONE, OTHER):
        begin = next(at for at in range(61) if window.after(where, at) is not None)
        found, after = window.after(where, begin) or ((), 0)
        assert [one.offset for one in found] == list(range(begin, after))
        held += [(where, one.offset) for one in found]
    assert len(held) == min(most, len(written))


def test_beginning_anew_forgets_what_was_there() -> None:
    window = Window(3 * SIZE)
    window.begin(ONE, 0)
    for offset in range(3):
        window.add(ONE, seen(ONE, offset))
    window.begin(ONE, 100)
    assert window.places() == {ONE: 100}
    assert window.after(ONE, 2) is None
    for offset in range(100, 105):
        window.add(ONE, seen(ONE, offset))
    assert window.after(ONE, 101) is None
    assert [one.offset for one in (window.after(ONE, 102) or ((), 0))[0]] == [102, 103, 104]
