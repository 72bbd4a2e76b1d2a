"""The lists of points, apart from any run."""

import pytest

from tests.crashpoints.life import PROCESSES
from tests.crashpoints.plan import all_aims, listed, of, sample, unknown
from tests.crashpoints.table import DOCUMENT, written


def test_the_document_shows_today_s_points() -> None:
    document = DOCUMENT.read_text()
    assert written(document) == document, "run `python -m tests.crashpoints`"


def test_each_point_is_listed_once_with_both_of_its_sides() -> None:
    points = [*listed("points"), *listed("recovery")]
    assert len(points) == len(set(points))
    elsewhere = listed("elsewhere")
    assert {
        f"{point}.{side}"
        for point in {one.rpartition(".")[0] for one in points}
        for side in ("before", "after")
    } - {*points, *elsewhere} == set()


def test_a_point_that_no_list_has_is_told() -> None:
    assert unknown([*listed("points"), "orders-api.BuyOrder.buy.commit.after"]) == [
        "orders-api.BuyOrder.buy.commit.after"
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_has_points_of_every_process_and_the_same_for_a_seed(seed: int) -> None:
    aims = sample(seed, 3)
    assert aims == sample(seed, 3)
    assert all(1 <= len(of(process, aims)) <= 3 for process in PROCESSES)


def test_all_aims_are_all_points() -> None:
    assert sorted(aim.point for aim in all_aims(1)) == sorted(
        [*listed("points"), *listed("recovery")]
    )
