"""The supervisor on real child processes."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from stack.component import Component, Node, Task
from stack.errors import Code, StackError
from stack.guardlink import GuardLink
from stack.journal import Entry, read
from stack.processes import log_of
from stack.supervisor import Supervisor
from stack.workplace import Workplace
from tests.unit.stack.platforms import events, pids, python, runs, sleeper, when_exists

Check = Callable[[], object]


@asynccontextmanager
async def running(state: Path, *nodes: Node) -> AsyncIterator[list[tuple[str, str]]]:
    """The platform up, inside the block; yields the (name, phase) changes as they come."""
    changes: list[tuple[str, str]] = []

    def report(entry: Entry, _: str) -> None:
        changes.append((entry.name, entry.phase))

    guard = GuardLink(state / "logs" / "guard.log")
    supervisor = Supervisor(nodes, Workplace(state, nodes), guard, report)
    stop, up = anyio.Event(), anyio.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervisor.run, stop, up.set)
            await up.wait()
            yield changes
            stop.set()
    finally:
        guard.close()


async def until(condition: Check, seconds: float = 10.0) -> None:
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 (other processes set no event)
            await anyio.sleep(0.02)


async def failure_of(state: Path, *nodes: Node) -> StackError:
    guard = GuardLink(state / "logs" / "guard.log")
    supervisor = Supervisor(nodes, Workplace(state, nodes), guard, lambda *_: None)
    with pytest.raises(StackError) as raised:
        await supervisor.run(anyio.Event(), lambda: None)
    guard.close()
    return raised.value


async def test_a_component_starts_only_when_all_that_it_comes_after_is_ready_or_done(
    tmp_path: Path,
) -> None:
    order = tmp_path / "order"
    flag = tmp_path / "flag"
    slow = f"import time; time.sleep(.3); open({str(flag)!r}, 'w'); open({str(order)!r}, 'a')"
    base = python("base", f"{slow}.write('base '); time.sleep(600)", ready=when_exists(flag))

    async def work() -> None:
        order.write_text(order.read_text() + "task ")

    task = Task(name="task", run=work, after=("base",))
    top_code = f"import time; open({str(order)!r}, 'a').write('top '); time.sleep(600)"
    top = python("top", top_code, after=("task",))
    async with running(tmp_path, top, task, base):
        await until(lambda: len(events(order)) == 3)
    assert events(order) == ["base", "task", "top"]


async def test_what_does_not_depend_on_each_other_starts_in_parallel(tmp_path: Path) -> None:
    async def nap() -> None:
        await anyio.sleep(0.5)

    with anyio.fail_after(1.2):
        async with running(tmp_path, *(Task(name=f"t{n}", run=nap) for n in range(6))):
            pass


async def test_a_crashed_component_is_started_again_and_the_pauses_grow(tmp_path: Path) -> None:
    stamps = tmp_path / "stamps"
    code = f"import time; open({str(stamps)!r}, 'a').write(f'{{time.time()}} '); time.sleep(.2)"
    crashing = python("crashing", code)
    async with running(tmp_path, crashing) as changes:
        await until(lambda: len(events(stamps)) == 3)
        assert ("crashing", "down") in changes
        record = read(tmp_path)
        assert record is not None
        assert record.entries["crashing"].restarts == 2
        assert record.entries["crashing"].last_exit == "ended with exit code 0"
    first, second, third = map(float, events(stamps))
    # No upper bound: how long a process takes to start is the machine's affair.
    assert second - first > 1.0
    assert third - second > 2.0


async def test_a_killed_component_leaves_nothing_of_its_group(tmp_path: Path) -> None:
    shell = Component(
        name="shell",
        command=("/bin/sh", "-c", f"sleep 600 & echo $! > '{tmp_path}/inner'; wait"),
        ready=when_exists(tmp_path / "inner"),
    )
    async with running(tmp_path, shell) as changes:
        inner = int((tmp_path / "inner").read_text())
        os.kill(pids(tmp_path)["shell"], signal.SIGKILL)
        await until(lambda: ("shell", "down") in changes)
        await until(lambda: not runs(inner))


async def test_components_stop_in_the_opposite_order(tmp_path: Path) -> None:
    order = tmp_path / "order"

    def obedient(name: str, after: tuple[str, ...]) -> Component:
        code = (
            "import signal, sys, time\n"
            "def end(*_):\n"
            f" time.sleep(.1); open({str(order)!r}, 'a').write('{name} '); sys.exit()\n"
            f"signal.signal(signal.SIGTERM, end)\nopen('{tmp_path}/{name}', 'w')\n"
            "time.sleep(600)"
        )
        return python(name, code, after=after, ready=when_exists(tmp_path / name))

    async with running(tmp_path, obedient("a", ()), obedient("b", ("a",)), obedient("c", ("b",))):
        pass
    assert events(order) == ["c", "b", "a"]
    record = read(tmp_path)
    assert record is not None
    assert record.phase == "stopped"
    assert record.groups() == []


async def test_a_component_that_ignores_its_signal_is_killed_in_the_end(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open('{tmp_path}/deaf', 'w'); time.sleep(600)"
    )
    deaf = replace(python("deaf", code, ready=when_exists(tmp_path / "deaf")), stop_timeout=0.3)
    async with running(tmp_path, deaf):
        pid = pids(tmp_path)["deaf"]
    assert not runs(pid)


async def test_a_start_that_fails_says_why_shows_the_log_and_stops_all(tmp_path: Path) -> None:
    seen: list[int] = []

    async def notice() -> None:
        seen.append(pids(tmp_path)["well"])

    sick = python(
        "sick",
        "print('the disk is made of cheese'); raise SystemExit(7)",
        after=("notice",),
        ready=when_exists(tmp_path / "never"),
    )
    error = await failure_of(
        tmp_path, sleeper("well"), Task(name="notice", run=notice, after=("well",)), sick
    )
    assert error.code is Code.START_FAILED
    assert "sick did not start: ended with exit code 7" in error.cause
    assert "the disk is made of cheese" in error.detail
    assert error.next_command == "causeway logs sick"
    assert not runs(seen[0])


async def test_a_task_that_fails_in_a_group_is_told_with_the_first_cause(tmp_path: Path) -> None:
    async def people() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refuse)

    async def refuse() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)

    async def fail() -> None:
        raise RuntimeError("POST /v1/users:register answers 503")

    error = await failure_of(tmp_path, Task(name="people", run=people))
    assert error.cause == "people did not start: POST /v1/users:register answers 503"


async def test_a_component_that_is_never_ready_fails_with_the_last_answer_of_its_probe(
    tmp_path: Path,
) -> None:
    mute = replace(sleeper("mute"), ready=when_exists(tmp_path / "never"), start_timeout=0.3)
    error = await failure_of(tmp_path, mute)
    assert error.cause == "mute did not start: not ready within 0.3 s: never is not there"


async def test_what_a_component_waits_for_beside_its_start_does_not_count_as_its_own_time(
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys"

    async def issue() -> None:
        await anyio.sleep(1.5)
        keys.touch()

    service = replace(
        sleeper("service"), ready=when_exists(keys), start_timeout=0.8, timed_after=("realm",)
    )
    async with running(tmp_path, service, Task(name="realm", run=issue)) as changes:
        assert changes.index(("service", "starting")) < changes.index(("realm", "done"))
        assert changes.index(("realm", "done")) < changes.index(("service", "ready"))


async def test_the_time_of_a_component_counts_once_what_it_waits_for_is_there(
    tmp_path: Path,
) -> None:
    mute = replace(
        sleeper("mute"),
        ready=when_exists(tmp_path / "never"),
        start_timeout=0.3,
        timed_after=("base",),
    )
    error = await failure_of(tmp_path, mute, sleeper("base"))
    assert error.cause == "mute did not start: not ready within 0.3 s: never is not there"


async def test_a_task_that_fails_ends_the_start_and_leaves_its_traceback_in_its_log(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        raise ValueError("no such realm")

    error = await failure_of(tmp_path, Task(name="realm", run=work))
    assert error.cause == "realm did not start: no such realm"
    assert "ValueError: no such realm" in log_of(tmp_path, "realm").read_text()


async def test_a_full_disk_is_named_as_such(tmp_path: Path) -> None:
    code = "print('write failed: No space left on device'); raise SystemExit(1)"
    full = python("full", code, ready=when_exists(tmp_path / "never"))
    error = await failure_of(tmp_path, full)
    assert error.code is Code.DISK_FULL


async def test_an_envoy_that_can_watch_no_more_files_is_told_how_many_it_may(
    tmp_path: Path,
) -> None:
    code = "print('assert failure: inotify_fd_ >= 0. Details: '); raise SystemExit(-6)"
    aborted = python("edge", code, ready=when_exists(tmp_path / "never"))
    error = await failure_of(tmp_path, aborted)
    assert error.code is Code.START_FAILED
    assert "no inotify instance left" in error.cause
    assert error.next_command.startswith("sysctl fs.inotify.max_user_instances")
    assert "inotify_fd_ >= 0" in error.detail


async def test_a_task_that_takes_too_long_is_told_from_one_whose_own_call_does(
    tmp_path: Path,
) -> None:
    async def own() -> None:
        raise TimeoutError("the database did not answer within 10 s")

    slow = Task(name="slow", run=lambda: anyio.sleep(600), timeout=0.1)
    assert "slow did not start: not done within 0.1 s" in str(await failure_of(tmp_path, slow))
    told = str(await failure_of(tmp_path, Task(name="own", run=own)))
    assert "own did not start: the database did not answer within 10 s" in told


async def test_a_component_joins_a_running_platform_is_kept_up_and_leaves_it(
    tmp_path: Path,
) -> None:
    guard = GuardLink(tmp_path / "logs" / "guard.log")
    base, late = sleeper("base"), sleeper("late")
    supervisor = Supervisor([base], Workplace(tmp_path, [base]), guard, lambda *_: None)
    stop, up = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(supervisor.run, stop, up.set)
        await up.wait()
        await supervisor.add(late)
        first = supervisor.pid("late")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pid("late") not in (None, first))
        await supervisor.retire("late")
        assert supervisor.pid("late") is None
        assert pids(tmp_path).keys() == {"base"}
        await supervisor.add(late)  # its name is free again
        await supervisor.retire("base")
        stop.set()
    guard.close()
    assert pids(tmp_path) == {}


async def test_a_component_that_does_not_start_leaves_nothing_behind_and_ends_nothing(
    tmp_path: Path,
) -> None:
    guard = GuardLink(tmp_path / "logs" / "guard.log")
    base, broken = (
        sleeper("base"),
        python("broken", "raise SystemExit(3)", ready=when_exists(tmp_path / "never")),
    )
    supervisor = Supervisor([base], Workplace(tmp_path, [base]), guard, lambda *_: None)
    stop, up = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(supervisor.run, stop, up.set)
        await up.wait()
        with pytest.raises(StackError) as caught:
            await supervisor.add(broken)
        assert caught.value.code is Code.START_FAILED
        assert pids(tmp_path).keys() == {"base"}
        stop.set()
    guard.close()
