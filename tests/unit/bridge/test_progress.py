"""Which offset may be committed."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.consumer.progress import Progress


def test_nothing_is_committable_above_an_unfinished_record() -> None:
    progress = Progress()
    for offset in (5, 6, 9):
        progress.begin(offset)
    progress.finish(6)
    assert progress.committable() is None
    progress.finish(5)
    assert progress.committable() == 7
    progress.finish(9)
    assert progress.committable() == 10
    assert progress.unfinished == 0


def test_what_was_committed_is_not_committed_again() -> None:
    progress = Progress()
    progress.begin(0)
    progress.finish(0)
    progress.committed(1)
    assert progress.committable() is None


@given(st.permutations(range(12)), st.integers(0, 12))
def test_in_whatever_order_records_end_none_is_skipped(order: list[int], done: int) -> None:
    progress = Progress()
    for offset in range(12):
        progress.begin(offset)
    for offset in order[:done]:
        progress.finish(offset)
    unfinished = set(order[done:])
    lowest = min(unfinished, default=12)
    assert progress.committable() == (lowest or None)
    assert progress.unfinished == 12 - lowest
