"""No orphans and no victims: what happens when the supervisor can't say goodbye."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from stack.endings import end_groups
from stack.guard import erase, follow, record
from stack.identity import Identity, birth_of, is_alive, members
from stack.processes import log_of, tail
from tests.unit.stack.platforms import entries, pids, runs, start_runner, wait_for


def _up(state: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A running supervisor, and the processes that it started, the inner child included."""
    runner = start_runner(state)
    wait_for(lambda: all(e.phase == "ready" for e in entries(state).values()) and entries(state))
    wait_for(lambda: "child" in tail(log_of(state, "second")))
    inner = int(tail(log_of(state, "second")).split()[-1])
    return runner, [*pids(state).values(), inner]


def test_a_killed_supervisor_leaves_no_child(tmp_path: Path) -> None:
    runner, children = _up(tmp_path)
    guard = int((tmp_path / "guard.pid").read_text())
    runner.kill()
    runner.wait()
    wait_for(lambda: not any(map(runs, [*children, guard])))


def test_a_terminated_supervisor_leaves_no_child(tmp_path: Path) -> None:
    runner, children = _up(tmp_path)
    guard = int((tmp_path / "guard.pid").read_text())
    runner.terminate()
    assert runner.wait(10) == 0
    assert not any(map(runs, [*children, guard]))


def test_a_killed_guard_is_replaced_and_the_new_one_knows_all(tmp_path: Path) -> None:
    runner, children = _up(tmp_path)
    guard = int((tmp_path / "guard.pid").read_text())
    os.kill(guard, signal.SIGKILL)
    wait_for(lambda: [pid for pid in _guards_of(runner.pid) if pid != guard])
    # What it must know is written to it right after it can be seen, and nothing says when.
    time.sleep(0.5)
    runner.kill()
    runner.wait()
    wait_for(lambda: not any(map(runs, children)))


def _guards_of(pid: int) -> list[int]:
    children = psutil.Process(pid).children()
    live = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return [child.pid for child in live if "stack.guard" in child.cmdline()]


def test_what_a_killed_supervisor_and_guard_leave_is_ended_from_the_state_file(
    tmp_path: Path,
) -> None:
    runner, children = _up(tmp_path)
    guard = int((tmp_path / "guard.pid").read_text())
    recorded = [e.identity for e in entries(tmp_path).values() if e.identity]
    runner.send_signal(signal.SIGSTOP)  # so that it can't replace the guard
    os.kill(guard, signal.SIGKILL)
    runner.kill()
    runner.wait()
    assert all(map(runs, children))
    assert end_groups(recorded) == []
    wait_for(lambda: not any(map(runs, children)))


@pytest.fixture
def stranger() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)


def test_a_stranger_who_got_a_recorded_number_is_left_alone(
    stranger: subprocess.Popen[bytes],
) -> None:
    recorded = Identity(stranger.pid, "an earlier birth", "our run")
    assert not is_alive(recorded)
    assert members(recorded) == []
    assert end_groups([recorded], grace=0.1) == []
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_group_whose_leader_is_gone_is_ours_only_by_the_mark_in_its_environment() -> None:
    def orphan(mark: str) -> tuple[Identity, int]:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"],
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={"CAUSEWAY_RUN": mark, "PATH": os.environ["PATH"]},
        )
        born = birth_of(shell.pid) or "gone"
        output, _ = shell.communicate()
        return Identity(shell.pid, born, "our run"), int(output)

    ours, our_child = orphan("our run")
    theirs, their_child = orphan("another run")
    assert end_groups([ours, theirs]) == []
    wait_for(lambda: not runs(our_child))
    assert runs(their_child)
    os.kill(their_child, signal.SIGKILL)


def test_the_guard_keeps_what_was_recorded_and_not_erased_and_ignores_a_cut_line() -> None:
    one, two = Identity(1, "a", "r"), Identity(2, "b", "r", signal.SIGINT)
    lines = [record(one) + "\n", record(two) + "\n", erase(one) + "\n", record(one)[:20]]
    assert follow(lines) == [two]
