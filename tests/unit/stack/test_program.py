"""The `causeway` program as a person meets it: codes, causes, next commands, no traceback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from stack.cli import COMMANDS, GROUPS
from stack.errors import Code
from stack.journal import read
from stack.pages import PAGES
from tests.unit.stack.platforms import pids, runs, wait_for

pytestmark = pytest.mark.programs
PORTS = {"CAUSEWAY_PORT_OFFSET": "15000"}
BUSY = 10
"""How much slower a machine may be on which other tests run."""


class Program:
    """The program with a state directory of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environment = {**os.environ, **PORTS, "CAUSEWAY_STATE": str(state)}

    def __call__(self, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 (our own program)
            self.command(words),
            env=self.environment | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 (our own program)
            self.command(words),
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @staticmethod
    def command(words: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "stack.cli", *words]


@pytest.fixture
def causeway(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path / "state with a space")
    yield program
    program("down")


def _until_ready(program: Program) -> None:
    wait_for(lambda: program("status", "--json").returncode == 0, 30)


def test_up_and_down_in_the_background_leave_the_data_and_no_process(causeway: Program) -> None:
    started = causeway("up", "--detach", "--only", "mailbox")
    assert started.returncode == 0, started.stderr
    assert "http://127.0.0.1:23025/messages" in started.stdout
    status = json.loads(causeway("status", "--json").stdout)
    assert [(one["name"], one["up"]) for one in status["components"]] == [("mailbox", True)]
    processes = [*pids(causeway.state).values(), status["supervisor"]]
    assert causeway("down").returncode == 0
    assert not any(map(runs, processes))
    assert (causeway.state / "mail").is_dir()
    assert causeway("down", "--wipe").returncode == 0
    assert not causeway.state.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_foreground_cleanly(causeway: Program, number: int) -> None:
    with causeway.start("up", "--only", "mailbox") as process:
        _until_ready(causeway)
        children = pids(causeway.state).values()
        process.send_signal(number)
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "Traceback" not in output
    assert not any(map(runs, children))


def test_a_second_up_is_refused_and_the_first_goes_on(causeway: Program) -> None:
    causeway("up", "--detach", "--only", "mailbox")
    for words in (["up", "--only", "mailbox"], ["up", "--detach"]):
        second = causeway(*words)
        assert second.returncode == 1
        assert second.stderr.startswith("ALREADY_RUNNING: a platform already runs")
        assert "next: causeway status" in second.stderr
    assert causeway("status").returncode == 0


def test_an_up_that_still_fetches_is_stopped_and_wiped_like_any_other(
    causeway: Program, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the request, never answers
        maven = f"http://127.0.0.1:{silent.getsockname()[1]}"
        causeway.environment |= {"CAUSEWAY_MAVEN": maven, "CAUSEWAY_CACHE": str(tmp_path / "cache")}
        with causeway.start("up", "--only", "registry") as process:
            try:
                wait_for(
                    lambda: (record := read(causeway.state)) and record.phase == "fetching", 30
                )
                for words in (["up", "--only", "mailbox"], ["up", "--detach", "--only", "mailbox"]):
                    assert (
                        f"ALREADY_RUNNING: a platform already runs with the state {causeway.state} "
                        f"(process {process.pid})" in causeway(*words).stderr
                    )
                ended = causeway("down", "--wipe")
                assert "everything is stopped" in ended.stdout, ended.stderr
                assert process.wait(10) != 0
            finally:
                process.kill()  # else a failure would wait for it for ever
    assert not causeway.state.exists()


def test_after_a_kill_of_the_supervisor_and_its_guard_the_next_up_starts_clean(
    causeway: Program,
) -> None:
    causeway("up", "--detach", "--only", "mailbox")
    supervisor = json.loads(causeway("status", "--json").stdout)["supervisor"]
    child = pids(causeway.state)["mailbox"]
    [guard] = [
        one.pid for one in psutil.Process(supervisor).children() if "stack.guard" in one.cmdline()
    ]
    os.kill(supervisor, signal.SIGSTOP)  # so that it can't replace the guard
    os.kill(guard, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not runs(supervisor))
    assert runs(child)
    assert causeway("up", "--detach", "--only", "mailbox").returncode == 0
    assert not runs(child)


class Worked:
    """Seconds that children computed since then: on a busy machine a clock tells nothing."""

    def __init__(self) -> None:
        self._before = os.times()

    def seconds(self) -> float:
        now, before = os.times(), self._before
        return (now.children_user - before.children_user) + (
            now.children_system - before.children_system
        )


def test_a_killed_part_is_shown_down_with_its_log_within_three_seconds(causeway: Program) -> None:
    causeway("up", "--detach", "--only", "mailbox")
    # On a busy machine it may be started again, or up, before anybody looks; the pauses grow with
    # each crash.
    for _ in range(5):
        wait_for(lambda: "mailbox" in pids(causeway.state))
        os.kill(pids(causeway.state)["mailbox"], signal.SIGKILL)
        begun, worked = time.monotonic(), Worked()
        status = causeway("status", "--json")
        if "killed by SIGKILL" in status.stdout:
            break
    assert worked.seconds() < 3
    assert time.monotonic() - begun < 3 * BUSY
    mailbox = json.loads(status.stdout)["components"][0]
    assert status.returncode == 1
    assert (mailbox["up"], mailbox["reason"]) == (False, "killed by SIGKILL")
    assert any("SMTP on" in line for line in mailbox["log_tail"])
    wait_for(lambda: causeway("status").returncode == 0)


def _text(answer: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in answer.stderr + answer.stdout
    return answer.stderr


def test_a_taken_port_is_told_within_two_seconds_and_nothing_is_started(causeway: Program) -> None:
    with socket.create_server(("127.0.0.1", 24092)):
        begun, worked = time.monotonic(), Worked()
        refused = causeway("up")
        assert worked.seconds() < 2
        assert time.monotonic() - begun < 2 * BUSY
    assert refused.returncode == 1
    assert f"port 24092 is held by process {os.getpid()}" in _text(refused)
    assert "CAUSEWAY_PORT_KAFKA_1 moves it" in refused.stderr
    assert pids(causeway.state) == {}


def test_a_state_that_is_somebody_elses_is_neither_used_nor_wiped(causeway: Program) -> None:
    causeway.state.mkdir()
    precious = causeway.state / "thesis.txt"
    precious.write_text("years of work")
    for words in (["up", "--only", "mailbox"], ["down", "--wipe"]):
        refused = causeway(*words)
        assert refused.returncode == 1
        assert _text(refused).startswith("STATE_NOT_OURS")
    assert precious.read_text() == "years of work"


def test_a_state_that_can_not_be_written_is_named(causeway: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = causeway("up", CAUSEWAY_STATE=str(tmp_path / "file" / "state"))
    assert refused.returncode == 1
    assert _text(refused).startswith("STATE_NOT_WRITABLE")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["up", "--scale", "orders=eleven"], "SETTING_INVALID"),
        (["up", "--scale", "orders=²"], "SETTING_INVALID"),
        (["up", "--only", "kafak"], "UNKNOWN_NAME"),
        (["explain", "NO_SUCH_CODE"], "UNKNOWN_NAME"),
    ],
)
def test_wrong_words_are_usage_errors(causeway: Program, words: list[str], code: str) -> None:
    refused = causeway(*words)
    assert refused.returncode == 2
    assert _text(refused).startswith(code)


@pytest.mark.parametrize("words", [["status"], ["env"], ["token", "alice"]])
def test_without_a_platform_the_next_command_is_named(causeway: Program, words: list[str]) -> None:
    refused = causeway(*words)
    assert refused.returncode == 1
    assert _text(refused).startswith("NOT_RUNNING")
    assert "next: causeway up --detach" in refused.stderr


def every_command() -> Iterator[str]:
    yield from (command.__name__ for command in COMMANDS)
    for group in GROUPS:
        yield str(group.info.name)
        for command in group.registered_commands:
            assert command.callback is not None
            yield f"{group.info.name} {command.name or command.callback.__name__}"


@pytest.mark.parametrize("command", [*every_command()])
def test_every_command_has_help_with_an_example(causeway: Program, command: str) -> None:
    answer = causeway(*command.split(), "--help")
    assert answer.returncode == 0
    assert "Example:" in answer.stdout


def test_every_code_has_a_page() -> None:
    assert set(PAGES) == set(Code)
