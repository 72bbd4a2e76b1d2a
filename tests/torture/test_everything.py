"""With everything dying around it, the bridge keeps every promise."""

from pathlib import Path

import pytest

from tests.torture import history
from tests.torture.place import Place
from tests.torture.run import play

SHORT_SECONDS = 15.0
LONG_SECONDS = 25.0


@pytest.mark.timeout(300)
async def test_nothing_is_lost_repeated_or_out_of_order_whatever_dies(
    place: Place, tmp_path: Path
) -> None:
    await _survives(place, 1, tmp_path, SHORT_SECONDS)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1, 11))
async def test_nothing_is_lost_repeated_or_out_of_order_for_any_seed(
    seed: int, place: Place, tmp_path: Path
) -> None:
    await _survives(place, seed, tmp_path, LONG_SECONDS)


async def _survives(place: Place, seed: int, directory: Path, seconds: float) -> None:
    outcome = await play(place, "everything", seed, directory, seconds=seconds)
    assert not outcome.violations, outcome
    assert not outcome.findings, outcome
    done = outcome.evidence[-1]
    assert not done.parked
    assert len(done.effects) == len(done.stored) * len(done.groups)
    _require_faults(directory)


def _require_faults(directory: Path) -> None:
    """A run in which nothing died shows nothing."""
    lines = list(history.read(directory))
    killed = {line.get("actor", line.get("part", "")).partition("-")[0] for line in lines}
    assert {"relay", "consumer", "kafka", "postgres"} <= killed
    assert {"ok", "failed", "unknown", "refuse", "cure"} <= {line["at"] for line in lines}
