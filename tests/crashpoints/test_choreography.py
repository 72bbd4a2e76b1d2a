"""Every process dies at every point of the choreography, and nobody can tell from the outcome."""

import os
import random

import pytest

from tests.crashpoints.checker import violations
from tests.crashpoints.corner import Corner
from tests.crashpoints.evidence import gathered
from tests.crashpoints.plan import all_aims, later, listed, sample, unknown
from tests.crashpoints.run import Told, carry_out
from tests.crashpoints.trigger import Aim

SEED = int(os.environ.get("CAUSEWAY_CRASH_SEED", random.randrange(2**32)))  # noqa: S311
EACH = 3
"""Points of each process in the short form."""


async def kept(corner: Corner, told: Told, aims: list[Aim]) -> None:
    """Whatever was promised holds, every aim was met, and no point is unknown to the lists."""
    found = await gathered(corner)
    assert violations(found, told.customers) == []
    assert told.missed == []
    assert {one.point for aim in aims for one in aim.lives()} - set(told.crashed) == set()
    assert unknown(told.passed) == [], "add them to tests/crashpoints/points.txt or its neighbours"


@pytest.mark.timeout(300)
async def test_whoever_dies_wherever_every_order_ends_and_everybody_is_told_once(
    corner: Corner,
) -> None:
    print(f"CAUSEWAY_CRASH_SEED={SEED}")
    aims = sample(SEED, EACH)
    await kept(corner, await carry_out(corner, aims), aims)


@pytest.mark.long
@pytest.mark.timeout(2400)
async def test_every_listed_point_is_a_place_to_die_at(corner: Corner) -> None:
    print(f"CAUSEWAY_CRASH_SEED={SEED}")
    aims = all_aims(SEED)
    told = await carry_out(corner, aims)
    await kept(corner, told, aims)
    assert {*listed("points"), *listed("recovery")} - told.passed == set()


@pytest.mark.long
@pytest.mark.timeout(2400)
async def test_a_later_passing_is_a_place_to_die_at_too(corner: Corner) -> None:
    print(f"CAUSEWAY_CRASH_SEED={SEED}")
    aims = later(sample(SEED, 100), SEED, most=3)
    await kept(corner, await carry_out(corner, aims), aims)
