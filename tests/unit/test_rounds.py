import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests import __main__ as suite
from tests.rounds import EVERY, files
from tests.running import Ended, run

ROOT = Path(__file__).parents[2]
LIVE = {"units": 0, "edges": 0, "deaths": 0, "parts": 0, "platform": 0}


def ended(
    codes: dict[str, int], options: tuple[str, ...] = (), *, monkeypatch: pytest.MonkeyPatch
) -> int:
    """The exit code of a suite whose rounds end with these codes, by name; "" is the one of paths.

    A round with the code 2 was interrupted: it ends when all are told to.
    """

    def run(_arguments: object, stop: Event, name: str = "", _environment: object = None) -> Ended:
        if codes[name] == pytest.ExitCode.INTERRUPTED:
            assert stop.wait(30)
        return Ended(codes[name], (f"FAILED in {name}\n",) if codes[name] else ())

    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(suite, "_platform", nullcontext)
    return suite.main(list(options), Event())


@pytest.mark.parametrize(("changed", "told"), [
    ({}, 0), ({"edges": 1}, 1), ({"parts": 1}, 1), ({"deaths": 5, "parts": 5}, 0),
    (dict.fromkeys(LIVE, 5), 5), ({"units": 4, "parts": 2}, 4), ({"platform": 4, "edges": 2}, 4),
])  # fmt: skip
def test_the_suite_fails_as_its_worst_round_does(
    changed: dict[str, int], told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended({**LIVE, **changed}, monkeypatch=monkeypatch) == told


def test_the_last_words_are_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended({**LIVE, "units": 1, "platform": 1}, monkeypatch=monkeypatch)
    assert capsys.readouterr().out.splitlines()[-2:] == ["FAILED in units", "FAILED in platform"]


def test_chosen_paths_are_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended({"": 0}, ("tests/fuzz",), monkeypatch=monkeypatch) == 0


def test_a_platform_that_does_not_start_stops_what_runs_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> AbstractContextManager[None]:
        raise AssertionError("causeway up failed")

    told: list[bool] = []

    def run(_arguments: object, stop: Event, name: str, *_: object) -> Ended:
        if name == "units":
            return Ended(pytest.ExitCode.OK)
        told.append(stop.wait(30))
        return Ended(pytest.ExitCode.INTERRUPTED)

    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(suite, "_platform", broken)
    with pytest.raises(AssertionError, match="causeway up failed"):
        suite.main([], Event())
    assert told == [True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_rounds_that_broke_off_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_arguments: object, _stop: Event, name: str = "", _environment: object = None) -> Ended:
        if name == "deaths":
            raise OSError("no process can be started")
        return Ended(pytest.ExitCode.OK)

    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(suite, "_platform", nullcontext)
    assert suite.main([], Event()) == pytest.ExitCode.INTERRUPTED


def test_every_file_of_tests_has_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = files()
    assert sorted(path for some in found.values() for path in some) == sorted(
        path.as_posix() for path in Path("tests").rglob("test_*.py")
    )
    assert list(found) == [one.name for one in EVERY]
    assert all(found.values())
    assert "tests/security/test_direct.py" in found["platform"]
    assert "tests/unit/test_rounds.py" in found["units"]


SLOW = """
import subprocess, sys, time
def test_slow():
    child = subprocess.Popen(["/bin/sleep", "600"])
    with open({where!r}, "w") as file:
        file.write(str(child.pid))
    time.sleep(600)
"""
"""What it started it leaves, however it ends."""
WITHIN = 100
"""Seconds, for a machine that is busy."""


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN} s"
        time.sleep(0.05)


@pytest.mark.programs
@pytest.mark.timeout(3 * WITHIN)
@pytest.mark.parametrize(("number", "workers"), [
    (signal.SIGTERM, 0), (signal.SIGINT, 1), (signal.SIGKILL, 1),
])  # fmt: skip
def test_a_signal_ends_the_round_that_runs_and_all_that_it_started(
    number: signal.Signals, workers: int, tmp_path: Path
) -> None:
    where = tmp_path / "pid"
    (tmp_path / "test_slow.py").write_text(SLOW.format(where=str(where)))
    program = (
        "from threading import Event\n"
        "from tests.running import noting, run\n"
        "stop = Event()\n"
        "with noting(stop):\n"
        f"    raise SystemExit(run(('-n', '{workers}', {str(tmp_path)!r}), stop, 'slow').code)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as process:  # noqa: S603
        try:
            until(lambda: where.exists() and where.read_text() != "")
            below = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(number)
            code = process.wait(WITHIN)
        finally:
            process.kill()
    assert code == (-number if number == signal.SIGKILL else pytest.ExitCode.INTERRUPTED)
    assert int(where.read_text()) in {one.pid for one in below}
    until(lambda: all(gone(one.pid) for one in below))


@pytest.mark.programs
def test_each_line_of_a_round_begins_with_its_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(
        "import logging\n"
        "def test_it():\n    logging.error('its log')\n    assert 0, 'this failed'\n"
    )
    code, failures = run((str(tmp_path),), Event(), "units")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert len(failures) == 1
    assert "test_it.py::test_it" in failures[0]
    lines = capfd.readouterr().out.splitlines()
    assert any("this failed" in line for line in lines)
    assert all(line.startswith("units    | ") for line in lines)


@pytest.mark.programs
def test_a_round_sees_the_environment_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os\ndef test_it():\n    assert os.environ['CAUSEWAY_TEST_POSTGRES'] == 'there'\n"
    )
    given = {**os.environ, "CAUSEWAY_TEST_POSTGRES": "there"}
    codes: list[int] = []
    thread = Thread(target=lambda: codes.append(run((str(tmp_path),), Event(), "a", given).code))
    thread.start()
    thread.join(60)
    assert codes == [pytest.ExitCode.OK]
