import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests import __main__ as suite

ROOT = Path(__file__).parents[2]


def ended(*codes: int, options: tuple[str, ...] = (), monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a suite whose rounds end with these codes."""
    left = iter(codes)
    monkeypatch.setattr(suite, "run", lambda _arguments: next(left))
    monkeypatch.setattr(suite, "_platform", nullcontext)
    return suite.main(list(options))


@pytest.mark.parametrize(("codes", "told"), [
    ((0, 0, 0, 0), 0), ((0, 1, 0, 0), 1), ((5, 0, 5, 5), 0), ((5, 5, 5, 5), 5), ((2,), 2),
    ((0, 4), 4),
])  # fmt: skip
def test_the_suite_fails_as_its_worst_round_does(
    codes: tuple[int, ...], told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(*codes, monkeypatch=monkeypatch) == told


def test_chosen_paths_are_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(0, options=("tests/fuzz",), monkeypatch=monkeypatch) == 0


@pytest.mark.programs
def test_a_signal_ends_the_round_that_runs(tmp_path: Path) -> None:
    (tmp_path / "test_slow.py").write_text(
        "import time\ndef test_slow():\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    program = f"from tests.__main__ import run; raise SystemExit(run(('-s', {str(tmp_path)!r})))"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        while "begun" not in (line := process.stdout.readline()):
            assert line, "pytest ended before its test began"
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == pytest.ExitCode.INTERRUPTED
