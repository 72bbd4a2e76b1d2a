"""However `causeway up` ends, no process of it is left; a stranger's Java lives on."""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.java import java
from tests import platform
from tests.faults import upping

OFFSET = 22000
EVERYTHING: tuple[str, ...] = ()
# PostgreSQL with its many processes, a Java and a Python; a few seconds in place of many.
A_PART = ("--only", "registry,mailbox")

SIGNALS = [
    pytest.param(A_PART, signal.SIGINT, id="part-SIGINT"),
    pytest.param(A_PART, signal.SIGTERM, id="part-SIGTERM"),
    pytest.param(EVERYTHING, signal.SIGINT, id="everything-SIGINT", marks=pytest.mark.long),
    pytest.param(EVERYTHING, signal.SIGTERM, id="everything-SIGTERM", marks=pytest.mark.long),
]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Not pytest's own: that keeps what a whole platform wrote for three sessions. In the checkout,
    where `.ci/run` finds and stops what a killed run leaves."""
    with tempfile.TemporaryDirectory(prefix=".causeway-faults-", dir=platform.ROOT) as directory:
        yield Path(directory)


@pytest.fixture
def settings(home: Path) -> Iterator[dict[str, str]]:
    """One state for all tests here: each start but the first finds what the last one left."""
    given = {"CAUSEWAY_STATE": str(home / "state"), "CAUSEWAY_PORT_OFFSET": str(OFFSET)}
    yield given
    platform.stop(given)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Java process that is none of ours, in a session of its own."""
    server = (str(java()), "-m", "jdk.httpserver", "-b", "127.0.0.1", "-p", "0")
    with subprocess.Popen(  # noqa: S603
        server, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(("parts", "number"), SIGNALS)
def test_a_signal_that_asks_ends_every_process(
    parts: tuple[str, ...], number: signal.Signals, settings: dict[str, str]
) -> None:
    up = upping.start(settings, *parts)
    up.await_phase("running")
    groups = up.groups()
    assert upping.end(up, number) == 0, up.log.read_text()
    # Nothing is left to a guard: it was `up` itself that stopped them, one after the other.
    assert upping.survivors(up, groups, within=2.0) == []
    assert "everything is stopped" in up.log.read_text()


def test_a_supervisor_killed_in_the_middle_of_its_start_leaves_no_process(
    settings: dict[str, str],
) -> None:
    up = upping.start(settings, *A_PART)
    up.await_first_part()
    groups = up.groups()
    upping.end(up, signal.SIGKILL)
    assert upping.survivors(up, groups) == []


def test_a_killed_supervisor_leaves_no_process_and_the_platform_starts_again(
    settings: dict[str, str], stranger: subprocess.Popen[bytes]
) -> None:
    first = upping.start(settings)
    first.await_phase("running")
    groups = first.groups()
    assert len(groups) > 12  # the supervisor, its guard and one for each component
    assert upping.end(first, signal.SIGKILL) == -signal.SIGKILL
    assert upping.survivors(first, groups) == []

    again = upping.start(settings)
    again.await_phase("running")
    assert platform.is_running(settings)
    groups = again.groups()
    assert upping.end(again, signal.SIGTERM) == 0
    assert upping.survivors(again, groups, within=2.0) == []
    assert stranger.poll() is None
