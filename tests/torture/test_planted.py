"""Each planted bug is caught by the plan that provokes it, and the product passes the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.torture.place import Place
from tests.torture.plans import PLANS
from tests.torture.planted import PLANTED
from tests.torture.run import Outcome, play

SECONDS = 3.0
SEEDS = range(1, 11)
CAUGHT = 9
AT_ONCE = 3
"""Runs side by side, where none of them hurts what they share."""

BUGS = [pytest.param(bug, id=bug) for bug in sorted(PLANTED)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_caught(bug: str, place: Place, tmp_path: Path) -> None:
    outcome = await play(place, bug, 1, tmp_path, bug=bug, seconds=SECONDS)
    assert outcome.violations, f"not caught: {outcome}"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_caught_in_nine_of_ten_seeds(
    bug: str, place: Place, tmp_path: Path
) -> None:
    outcomes = [one async for one in _played(place, bug, tmp_path, bug)]
    caught = sum(bool(one.violations) for one in outcomes)
    print(f"{bug}: caught in {caught} of {len(outcomes)} seeds")
    assert caught >= CAUGHT, "\n".join(str(one) for one in outcomes)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bug", BUGS)
async def test_the_product_passes_what_provokes_a_bug_for_every_seed(
    bug: str, place: Place, tmp_path: Path
) -> None:
    outcomes = [one async for one in _played(place, bug, tmp_path)]
    broken = [str(one) for one in outcomes if one.violations or one.findings]
    assert not broken, "\n".join(broken)


async def _played(
    place: Place, plan: str, directory: Path, bug: str = ""
) -> AsyncIterator[Outcome]:
    """Give the outcome of each seed, as it comes."""
    room = asyncio.Semaphore(1 if PLANS[plan].touches_parts else AT_ONCE)

    async def one(seed: int) -> Outcome:
        async with room:
            own = directory / str(seed)
            own.mkdir()
            return await play(place, plan, seed, own, bug=bug, seconds=SECONDS)

    async with asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(one(seed)) for seed in SEEDS]
    for run in runs:
        yield run.result()
