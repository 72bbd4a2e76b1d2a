"""Each planted bug is caught by the plan that provokes it, and the product passes the same."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.torture.place import Place
from tests.torture.plans import PLANS
from tests.torture.planted import PLANTED
from tests.torture.run import Outcome, play

SECONDS = 3.0
SEEDS = range(1, 11)
CAUGHT = 9
AT_ONCE = 3
"""Runs side by side, where none of them hurts what they share."""
TRIES = 3
"""Seeds in the short form: on a busy machine writers may write too little for a bug to show."""
LONGEST = 600.0
"""Seconds for all of them."""

BUGS = [pytest.param(bug, id=bug) for bug in sorted(PLANTED)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Sequence[Outcome]]:
    """What came of each bug, seed by seed until one caught it; most of the time a run waits."""
    room = asyncio.Semaphore(AT_ONCE)

    async def tried(bug: str) -> Sequence[Outcome]:
        found: list[Outcome] = []
        async with room:
            while len(found) < TRIES and not (found and found[-1].violations):
                own, seed = tmp_path_factory.mktemp(bug), len(found) + 1
                found.append(await play(place, bug, seed, own, bug=bug, seconds=SECONDS))
        return found

    async with asyncio.timeout(LONGEST):
        beside = [bug for bug in PLANTED if not PLANS[bug].touches_parts]
        caught = dict(zip(beside, await asyncio.gather(*map(tried, beside)), strict=True))
        return caught | {bug: await tried(bug) for bug in PLANTED if bug not in caught}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    tries = outcomes[bug]
    assert tries[-1].violations, "\n".join(f"not caught: {one}" for one in tries)


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
