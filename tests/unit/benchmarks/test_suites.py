"""What `python -m benchmarks` offers."""

from collections import Counter

import pytest

from benchmarks.__main__ import SUITES
from benchmarks.cli import main


def test_every_measurement_has_a_name_of_its_own() -> None:
    names = Counter(name for suite in SUITES for name in suite.measurements)
    assert [name for name, times in names.items() if times > 1] == []


def test_help_lists_every_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main("benchmarks", "About.", SUITES, ["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for suite in SUITES for name in suite.measurements)
